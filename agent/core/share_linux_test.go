package core

import "testing"

func TestFindEntry(t *testing.T) {
	const text = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n" +
		"tfd:        3 events: 80000019 data:                3  pos:0 ino:a71e0a sdev:9\n" +
		"tfd:       34 events: 8000201d data: 10007f12a6c3e008  pos:0 ino:a71e0b sdev:9\n" +
		"tfd:        5 events: 8000201d data:     7f12a6c3e\n" +
		"tfd:        6 events: what data:     7f12a6c3e\n"
	for _, c := range []struct {
		name  string
		fd    int
		want  entry
		known bool
	}{
		{"small data", 3, entry{0x80000019, 3}, true},
		{"a pointer", 34, entry{0x8000201d, 0x10007f12a6c3e008}, true},
		{"nothing after it", 5, entry{0x8000201d, 0x7f12a6c3e}, true},
		{"no number", 6, entry{}, false},
		{"another", 4, entry{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if have, known := findEntry([]byte(text), c.fd); have != c.want || known != c.known {
				t.Errorf("have %x, %v; want %x, %v", have, known, c.want, c.known)
			}
		})
	}
	if _, known := findEntry(nil, 0); known {
		t.Error("it is found where nothing is")
	}
}
