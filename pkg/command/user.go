package command

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"sync"
)

// User is the account of a program.
type User struct {
	Name     string
	UID, GID uint32
	Groups   []uint32 // the supplementary groups
	Home     string
}

// LookupUser returns the user with a name or number, in the group with a name or number, or in the
// user's own if group is empty. Users and groups are those of /etc/passwd and /etc/group. The
// supplementary groups are dropped if a group is given.
func LookupUser(name, group string) (*User, error) {
	found, err := user.Lookup(name)
	if err != nil {
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("there is no user %s: create it (useradd --system %s), or name another one", name, name)
		}
	}
	u := &User{Name: found.Username, Home: found.HomeDir}
	if u.UID, err = number(found.Uid); err != nil {
		return nil, err
	}
	if u.GID, err = number(found.Gid); err != nil {
		return nil, err
	}
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			if g, err = user.LookupGroupId(group); err != nil {
				return nil, fmt.Errorf("there is no group %s: create it (groupadd --system %s), or name another one", group, group)
			}
		}
		u.GID, err = number(g.Gid)
		return u, err
	}
	ids, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of user %s: %w", name, err)
	}
	for _, id := range ids {
		n, err := number(id)
		if err != nil {
			return nil, err
		}
		u.Groups = append(u.Groups, n)
	}
	return u, nil
}

func number(id string) (uint32, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("/etc/passwd or /etc/group has the ID %q, which is not a number", id)
	}
	return uint32(n), nil
}

// ownUser returns the daemon's own user, by number if it has no name.
var ownUser = sync.OnceValue(func() *User {
	id := strconv.Itoa(os.Geteuid())
	if u, err := LookupUser(id, ""); err == nil {
		return u
	}
	return &User{Name: id, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Home: "/"}
})

// userName returns a name for a user ID in an error.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
