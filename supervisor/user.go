package supervisor

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// User is the workers' user, if not hotreload's own.
type User struct {
	Name     string
	Uid, Gid int
	Groups   []int // in addition to Gid
	Home     string
}

// FindUser finds a user by NAME or UID, optionally followed by :GROUP, and the groups of this user.
func FindUser(text string) (*User, error) {
	name, group, grouped := strings.Cut(text, ":")
	found, err := user.Lookup(name)
	if err != nil {
		if _, wrong := strconv.Atoi(name); wrong != nil {
			return nil, fmt.Errorf("no such user: %q", name)
		}
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("no user has the uid %s", name)
		}
	}
	if grouped {
		g, err := user.LookupGroup(group)
		if err != nil {
			if g, err = user.LookupGroupId(group); err != nil {
				return nil, fmt.Errorf("no such group: %q", group)
			}
		}
		found.Gid = g.Gid
	}
	u := &User{Name: found.Username, Home: found.HomeDir}
	if u.Uid, err = strconv.Atoi(found.Uid); err == nil {
		u.Gid, err = strconv.Atoi(found.Gid)
	}
	if err != nil {
		return nil, fmt.Errorf("user %s has no numeric uid on this system", name)
	}
	ids, _ := found.GroupIds()
	for _, text := range ids {
		if id, err := strconv.Atoi(text); err == nil {
			u.Groups = append(u.Groups, id)
		}
	}
	return u, nil
}

// environment returns the variables from which programs read their user.
func (u *User) environment() []string {
	if u == nil {
		return nil
	}
	return []string{"USER=" + u.Name, "LOGNAME=" + u.Name, "HOME=" + u.Home}
}
