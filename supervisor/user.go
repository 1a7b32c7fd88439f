package supervisor

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// User is whom workers run as, where that is somebody else than we.
type User struct {
	Name     string
	Uid, Gid int
	Groups   []int // besides Gid
	Home     string
}

// FindUser finds a user by NAME, UID or either with :GROUP after it, with the groups that it belongs to.
func FindUser(text string) (*User, error) {
	name, group, grouped := strings.Cut(text, ":")
	found, err := user.Lookup(name)
	if err != nil {
		if _, wrong := strconv.Atoi(name); wrong != nil {
			return nil, fmt.Errorf("there is no user %q", name)
		}
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("there is no user with uid %s", name)
		}
	}
	if grouped {
		g, err := user.LookupGroup(group)
		if err != nil {
			if g, err = user.LookupGroupId(group); err != nil {
				return nil, fmt.Errorf("there is no group %q", group)
			}
		}
		found.Gid = g.Gid
	}
	u := &User{Name: found.Username, Home: found.HomeDir}
	if u.Uid, err = strconv.Atoi(found.Uid); err == nil {
		u.Gid, err = strconv.Atoi(found.Gid)
	}
	if err != nil {
		return nil, fmt.Errorf("user %s has no number here", name)
	}
	ids, _ := found.GroupIds()
	for _, text := range ids {
		if id, err := strconv.Atoi(text); err == nil {
			u.Groups = append(u.Groups, id)
		}
	}
	return u, nil
}

// environment is what programs expect to find who they are by.
func (u *User) environment() []string {
	if u == nil {
		return nil
	}
	return []string{"USER=" + u.Name, "LOGNAME=" + u.Name, "HOME=" + u.Home}
}
