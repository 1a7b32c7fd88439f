package protocol

// Browser is the agents' configuration for browsers: the rest of Welcome, after the grace. Without a key there is
// none.
type Browser struct {
	Key   string   // of the supervisor's paths: /.hotreload/KEY/…
	Tag   string   // the element for documents; "": none
	Cache byte     // the caching header for the parts of documents
	Hosts []string // names of this machine, in lower case, by which browsers may request documents
	Panic bool     // if a document's handler panics, answer with a page about the panic
}

// Caching headers for the parts of documents.
const (
	CacheProgram    byte = 0 // the program's
	CacheRevalidate byte = 1 // to ask the server again, if the program sets none
	CacheOff        byte = 2 // to ask the server again, always
)

// MaxTag is how long a tag may be, in bytes.
const MaxTag = 1024

// AppendBrowser adds b to the body of Welcome. Hosts without room are left out.
func AppendBrowser(body []byte, b Browser) []byte {
	if b.Key == "" {
		return body
	}
	flags := byte(0)
	if b.Panic {
		flags = 1
	}
	body = appendText(appendText(append(body, b.Cache, flags), b.Key), b.Tag)
	for _, host := range b.Hosts {
		if len(body)+4+len(host) <= MaxBody {
			body = appendText(body, host)
		}
	}
	return body
}

// ParseBrowser reads the addition of AppendBrowser to a body of n bytes.
func ParseBrowser(body []byte, n int) (b Browser) {
	if len(body) < n+2 {
		return b
	}
	b.Cache, b.Panic = body[n], body[n+1]&1 != 0
	body = body[n+2:]
	for i := 0; len(body) > 0; i++ {
		text, rest, ok := nextText(body)
		if !ok {
			return Browser{}
		}
		switch i {
		case 0:
			b.Key = text
		case 1:
			b.Tag = text
		default:
			b.Hosts = append(b.Hosts, text)
		}
		body = rest
	}
	return b
}

// AppendVisit adds the frames of a Visit: the first bytes of a connection, as read by the worker, and the client's
// address, "" if the connection itself tells the address. Only the first frame has the address; all but the last say
// that more follows.
func AppendVisit(buf []byte, remote string, first []byte) []byte {
	for {
		body := appendText([]byte{0}, remote)
		n := MaxBody - len(body)
		if n > len(first) {
			n = len(first)
		}
		if n < len(first) {
			body[0] = 1
		}
		buf = Append(buf, Visit, append(body, first[:n]...))
		first, remote = first[n:], ""
		if body[0] == 0 {
			return buf
		}
	}
}

// ParseVisit reads the body of one of these frames.
func ParseVisit(body []byte) (remote string, first []byte, more, ok bool) {
	if len(body) == 0 {
		return "", nil, false, false
	}
	remote, first, ok = nextText(body[1:])
	return remote, first, body[0] != 0, ok
}

// MaxVisit is how many bytes of a connection an agent may have read: a request's head, and a buffer.
const MaxVisit = 1 << 16

// AppendUntagged adds an Untagged: a document at this path has no tag, for the reason why.
func AppendUntagged(buf []byte, path, why string) []byte {
	if most := MaxBody - 4 - len(why); len(path) > most {
		path = path[:most]
	}
	return Append(buf, Untagged, append(appendText(nil, path), why...))
}

// ParseUntagged reads the body of an Untagged.
func ParseUntagged(body []byte) (path, why string, ok bool) {
	path, rest, ok := nextText(body)
	return path, string(rest), ok
}

// appendText adds a text, with the length before the text.
func appendText(body []byte, text string) []byte {
	return append(append(body, Numbers(uint32(len(text)))...), text...)
}

func nextText(body []byte) (text string, rest []byte, ok bool) {
	length, ok := Number(body, 0)
	if !ok || uint64(length) > uint64(len(body)-4) {
		return "", nil, false
	}
	return string(body[4 : 4+length]), body[4+length:], true
}
