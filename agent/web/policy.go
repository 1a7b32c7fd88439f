package web

import (
	"net/http"
	"strings"
)

// The Content-Security-Policy of a document says which scripts the document may load, and where they may connect. To
// a policy that forbids the tag, hotreload adds exactly the missing source (https://www.w3.org/TR/CSP3/). Each header
// may have several policies, and all of them have to allow the tag. Policies that only report are changed as well, or
// they would report hotreload's script.
const (
	enforced   = "Content-Security-Policy"
	reportOnly = "Content-Security-Policy-Report-Only"
)

// asker asks policies whether the tag may work.
type asker struct {
	host   string        // of the request for the document
	secure bool          // by https
	script string        // path of the script
	random func() string // a new nonce
}

// allowTag returns the headers that a document needs for the tag to work, without headers that may stay as they are,
// and the nonce for the tag. ok is false if no script can work in such a document, or no script of the document's own
// origin.
func (a asker) allowTag(h http.Header) (changed map[string][]string, nonce string, ok bool) {
	var all []policy
	for _, key := range []string{enforced, reportOnly} {
		for _, p := range policiesOf(h[key]) {
			p.key = key
			if key == enforced && p.isSandbox() {
				return nil, "", false
			}
			all = append(all, p)
		}
	}
	for _, p := range all {
		if nonce == "" {
			nonce = p.scripts().nonce()
		}
	}
	changed = map[string][]string{}
	touched := map[string]bool{}
	for i := range all {
		p := &all[i]
		if d := p.scripts(); d != nil && !a.lets(d, nonce) {
			source := a.source(d)
			if source == "" {
				if nonce == "" {
					nonce = a.random()
				}
				source = "'nonce-" + nonce + "'"
			}
			d.add(source)
			touched[p.key] = true
		}
		if p.letConnect(a) {
			touched[p.key] = true
		}
	}
	for _, p := range all {
		if touched[p.key] {
			changed[p.key] = append(changed[p.key], p.String())
		}
	}
	return changed, nonce, true
}

// policy is one policy of the header key.
type policy struct {
	key        string
	directives []*directive
}

// directive is one part of a policy: the name in lower case, the text as written, and the sources in the text.
type directive struct {
	name, text string
	sources    []string
}

// policiesOf reads headers.
func policiesOf(values []string) (all []policy) {
	for _, value := range values {
		for _, text := range strings.Split(value, ",") {
			var p policy
			for _, part := range strings.Split(text, ";") {
				words := strings.FieldsFunc(part, func(c rune) bool { return strings.ContainsRune(space, c) })
				if len(words) > 0 {
					p.directives = append(p.directives, &directive{
						name: strings.ToLower(words[0]), text: strings.Trim(part, space), sources: words[1:],
					})
				}
			}
			if len(p.directives) > 0 {
				all = append(all, p)
			}
		}
	}
	return all
}

func (p policy) String() string {
	all := make([]string, 0, len(p.directives))
	for _, d := range p.directives {
		all = append(all, d.text)
	}
	return strings.Join(all, "; ")
}

// first is the directive that decides: the first of these names with a directive. If a name occurs twice, the first
// occurrence counts.
func (p policy) first(names ...string) *directive {
	for _, name := range names {
		for _, d := range p.directives {
			if d.name == name {
				return d
			}
		}
	}
	return nil
}

func (p policy) scripts() *directive { return p.first("script-src-elem", "script-src", "default-src") }

// isSandbox reports whether the document may not run scripts, or has no origin.
func (p policy) isSandbox() bool {
	d := p.first("sandbox")
	return d != nil && !(d.has("allow-scripts") && d.has("allow-same-origin"))
}

func (d *directive) has(source string) bool {
	for _, one := range d.sources {
		if strings.EqualFold(one, source) {
			return true
		}
	}
	return false
}

// nonce is the first nonce; "" if there is none.
func (d *directive) nonce() string {
	if d == nil {
		return ""
	}
	for _, one := range d.sources {
		if n := len("'nonce-"); len(one) > n+1 && strings.EqualFold(one[:n], "'nonce-") && one[len(one)-1] == '\'' {
			if value := one[n : len(one)-1]; isBase64(value) {
				return value
			}
		}
	}
	return ""
}

func isBase64(text string) bool {
	for _, c := range text {
		if c > 0x7f || !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.ContainsRune("+/-_=", c)) {
			return false
		}
	}
	return true
}

// add adds a source.
func (d *directive) add(source string) {
	if d.has("'none'") { // 'none' counts only alone
		d.text, d.sources = d.name, nil
	}
	d.text += " " + source
	d.sources = append(d.sources, source)
}

// lets reports whether the script is allowed, if the tag has this nonce.
func (a asker) lets(d *directive, nonce string) bool {
	if nonce != "" {
		for _, one := range d.sources {
			if n := len("'nonce-"); len(one) > n && strings.EqualFold(one[:n], "'nonce-") && one[n:] == nonce+"'" {
				return true
			}
		}
	}
	return !d.has("'strict-dynamic'") && (a.reaches(d) || d.has(a.url()))
}

// reaches reports whether the sources include everything of the document's own origin.
func (a asker) reaches(d *directive) bool {
	scheme := "http:"
	if a.secure {
		scheme = "https:"
	}
	for _, source := range []string{
		"'self'", "*", "http:", scheme, a.host, "http://" + a.host, scheme + "//" + a.host,
	} {
		if d.has(source) {
			return true
		}
	}
	return false
}

// source is the source for the script; "" if a nonce is best. A nonce would switch off 'unsafe-inline', so beside an
// effective 'unsafe-inline' the source is a URL.
func (a asker) source(d *directive) string {
	if !d.has("'unsafe-inline'") || d.has("'strict-dynamic'") {
		return ""
	}
	for _, one := range d.sources {
		if one = strings.ToLower(one); strings.HasPrefix(one, "'nonce-") || strings.HasPrefix(one, "'sha") {
			return ""
		}
	}
	if isAddress(a.host) {
		return "'self'" // policies cannot name IP addresses
	}
	return a.url()
}

// url is the script, also by https.
func (a asker) url() string { return "http://" + a.host + a.script }

// letConnect adds the source with which the script may connect to the document's host, and reports whether it was
// missing.
func (p *policy) letConnect(a asker) (missing bool) {
	d := p.first("connect-src", "default-src")
	if d == nil || a.reaches(d) {
		return false
	}
	if d.name == "connect-src" {
		d.add("'self'")
		return true
	}
	own := &directive{name: "connect-src", text: "connect-src"}
	for _, one := range d.sources {
		if one[0] != '\'' {
			own.add(one)
		}
	}
	own.add("'self'")
	p.directives = append(p.directives, own)
	return true
}

// integrity is the beginning of the attribute of the tag that tells the script's hash.
const integrity = ` integrity="`

// tagFor is the tag for a page with these headers. Under an Integrity-Policy (https://www.w3.org/TR/sri-2/) browsers
// run no script without a hash, nor one that is loaded without CORS. Other pages get no hash: a cache may keep them for
// longer than the script stays as it is.
func (b *Browser) tagFor(h http.Header) string {
	begin := strings.Index(b.Tag, integrity)
	if begin < 0 {
		return b.Tag
	}
	if len(h["Integrity-Policy"])+len(h["Integrity-Policy-Report-Only"]) > 0 {
		return b.Tag[:begin] + " crossorigin" + b.Tag[begin:]
	}
	end := begin + len(integrity)
	return b.Tag[:begin] + b.Tag[end+1+strings.IndexByte(b.Tag[end:], '"'):]
}
