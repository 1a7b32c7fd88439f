package cli

import (
	"syscall"
	"testing"
	"time"

	"hotreload/watch"
)

func TestPolledWords(t *testing.T) {
	limit := &watch.LimitError{Name: "fs.inotify.max_user_watches", Value: 8192, Used: 8190,
		Raise: "sudo sysctl fs.inotify.max_user_watches=524288", Err: syscall.ENOSPC}
	disk := watch.Disk{Type: "9p", Mount: "/mnt/c"}
	for _, c := range []struct {
		way        watch.Way
		folders    int
		text, hint string
	}{
		{watch.Way{Reason: watch.Limited, Err: limit}, 17,
			"the limit fs.inotify.max_user_watches is reached: 8190 of 8192 are in use: 17 folders are polled every 1s instead",
			"hint: sudo sysctl fs.inotify.max_user_watches=524288"},
		{watch.Way{Reason: watch.Foreign, Disk: disk}, 1,
			"9p on /mnt/c does not report changes made on other machines: 1 folder is polled every 1s", ""},
		{watch.Way{Reason: watch.Missed, Disk: disk}, 2,
			"9p on /mnt/c did not report some changes: from now on 2 folders are polled every 1s", ""},
		{watch.Way{Reason: watch.Silent}, 2, "the kernel tells nothing here: 2 folders are polled every 1s", ""},
	} {
		c.way.Round = time.Second
		_, text, hint := polledWords(&watch.PolledError{Way: c.way, Folders: c.folders})
		if text != c.text || hint != c.hint {
			t.Errorf("have %q, %q\nwant %q, %q", text, hint, c.text, c.hint)
		}
	}
}
