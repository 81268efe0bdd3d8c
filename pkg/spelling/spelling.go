// Package spelling finds the likely correction of a misspelt word.
package spelling

// DidYouMean returns a hint at a name; empty if the name is empty.
func DidYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean " + name + "?"
}

// Nearest returns the name that is the likely correction of a wrong one; empty if none is near
// enough.
func Nearest(wrong string, names []string) string {
	best, least := "", 1+max(1, len(wrong)/3)
	for _, n := range names {
		if d := distance(wrong, n); d < least && d < len(n) {
			best, least = n, d
		}
	}
	return best
}

// distance returns how many letters must be inserted, deleted, replaced or swapped with their
// neighbor to turn one word into the other (the distance of Damerau and Levenshtein in which each
// letter changes once). Words that are too long to be misspelt count as far apart.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var before, above []int // the rows two and one above this one
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
