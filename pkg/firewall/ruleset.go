package firewall

// Ruleset is the part of a network namespace's nftables rules that decides about packets.
// iptables-nft keeps its rules there, too.
type Ruleset struct {
	Chains []Chain
	Sets   map[string]Set // by SetKey
}

// Family is a family of nftables' tables.
type Family uint8

// The families, numbered as NFPROTO_*.
const (
	FamilyInet   Family = 1
	FamilyIPv4   Family = 2
	FamilyNetdev Family = 5
	FamilyIPv6   Family = 10
)

// String returns the family as nft writes it.
func (f Family) String() string {
	switch f {
	case FamilyInet:
		return "inet"
	case FamilyIPv4:
		return "ip"
	case FamilyNetdev:
		return "netdev"
	case FamilyIPv6:
		return "ip6"
	}
	return "another family"
}

// Chain is a list of rules. A base chain is attached to a hook, and gets the packets that pass it.
type Chain struct {
	Family      Family
	Table, Name string
	Base        bool
	Hook        uint32
	Priority    int32
	Drops       bool     // its policy is to drop
	Devices     []string // the devices of a chain of ingress or egress
	Rules       []Rule
}

// Title returns the chain as nft names it.
func (c *Chain) Title() string { return c.Family.String() + " " + c.Table + " " + c.Name }

// Rule is a rule of a chain.
type Rule struct {
	Handle uint64
	Parts  []Part
}

// Operation is the operation of a part of a rule.
type Operation uint8

// The operations.
const (
	Unknown  Operation = iota // a condition that cannot be evaluated
	Neutral                   // no effect on the decision: a counter, a line of the log
	Untrack                   // connection tracking ignores the packet
	LoadMeta                  // puts a property of the packet into a register
	LoadPayload
	LoadState // the state of connection tracking
	LoadOther // an unknown value
	Mask      // bits of a register: (value & Mask) ^ Value
	Compare
	Between
	Lookup
	Decide
)

// Part is an expression of a rule.
type Part struct {
	Operation Operation
	From, To  uint32 // registers
	Length    uint32
	Meta      uint32 // NFT_META_*
	Base      uint32 // NFT_PAYLOAD_*
	Offset    uint32
	Relation  Relation
	Value     []byte
	Mask      []byte
	High      []byte // the end of Between
	Not       bool   // of Between, Lookup
	Set       string
	Mapped    bool // Lookup decides by the verdict of the element
	Verdict   Verdict
}

// Relation is the relation of a comparison, numbered as NFT_CMP_*.
type Relation uint32

// The relations.
const (
	Equal Relation = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Verdict is the decision of a rule.
type Verdict struct {
	Kind  Kind
	Chain string // of Jump and Goto
}

// Kind is the kind of a verdict.
type Kind uint8

// The kinds.
const (
	Continue Kind = iota
	Accept
	Drop
	Return
	Jump
	Goto
)

// Set holds the keys of a set or a map.
type Set struct {
	// Opaque reports that some of its elements could not be read.
	Opaque bool
	// Intervals reports that each element begins a range that ends before the next one.
	Intervals bool
	Elements  []Element // sorted by key
}

// Element is an element of a set.
type Element struct {
	Key     []byte
	End     bool // of an interval: following values are not in the set
	Verdict Verdict
}

// SetKey returns the key of a set in a Ruleset.
func SetKey(f Family, table, name string) string { return f.String() + " " + table + " " + name }
