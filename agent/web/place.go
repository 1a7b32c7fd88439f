package web

import (
	"bytes"
	"strings"
)

// place looks for the place of the tag in a document, while the document arrives: right after <head>. Without <head>,
// the place is where a browser would put one: before the first thing other than a doctype, comment, white space or
// <html>.
type place struct {
	next   int  // everything before was looked at; the place is not there
	rooted bool // there was a doctype, or <html>: the document is a whole page, not a part of one
}

// found is the result of a look.
type found uint8

const (
	foundNothing found = iota // as yet
	foundPlace                // at next
	foundPart                 // a part of a page, or a page without a doctype: nothing may come before the beginning
	foundOther                // not HTML, despite the header
)

const space = " \t\n\f\r"

// look goes on from the last look. text begins where the document does, and still has all bytes of the last look.
func (p *place) look(text []byte) found {
	for {
		rest := text[p.next:]
		if p.next == 0 {
			switch {
			case bytes.HasPrefix(rest, []byte("\xfe\xff")), bytes.HasPrefix(rest, []byte("\xff\xfe")):
				return foundOther // UTF-16
			case bytes.HasPrefix(rest, []byte("\xef\xbb\xbf")):
				rest = rest[3:]
			case len(rest) < 3 && bytes.HasPrefix([]byte("\xef\xbb\xbf"), rest), len(rest) == 1 && rest[0] >= 0xfe:
				return foundNothing
			}
		}
		rest = bytes.TrimLeft(rest, space)
		p.next = len(text) - len(rest)
		switch {
		case len(rest) == 0:
			return foundNothing
		case rest[0] == 0:
			return foundOther
		case rest[0] != '<':
			return p.here()
		case len(rest) == 1:
			return foundNothing
		}
		size, is := token(rest)
		switch {
		case is == tokenOther:
			return p.here()
		case size < 0:
			return foundNothing
		}
		p.next += size
		switch is {
		case tokenHead:
			return foundPlace
		case tokenRoot:
			p.rooted = true
		}
	}
}

func (p *place) here() found {
	if p.rooted {
		return foundPlace
	}
	return foundPart
}

// Tokens that a page begins with.
const (
	tokenOther   = iota
	tokenComment // and everything that browsers treat as a comment
	tokenRoot    // a doctype or <html>
	tokenHead
)

// token returns the size of the first token of a text that begins with <, -1 if the token is incomplete, and its
// kind. See https://html.spec.whatwg.org/multipage/parsing.html#tokenization.
func token(text []byte) (size, is int) {
	switch c := text[1]; {
	case c == '!' && len(text) < len("<!--"):
		return -1, tokenComment
	case bytes.HasPrefix(text, []byte("<!--")):
		size = -1
		for _, mark := range []string{"-->", "--!>"} { // "<!-->" is a whole comment
			if at := bytes.Index(text[2:], []byte(mark)); at >= 0 && (size < 0 || 2+at+len(mark) < size) {
				size = 2 + at + len(mark)
			}
		}
		return size, tokenComment
	case c == '!', c == '?':
		size = bytes.IndexByte(text, '>') + 1
		switch {
		case size == 0:
			return -1, tokenComment
		case size > len("<!doctype") && strings.EqualFold(string(text[:len("<!doctype")]), "<!doctype"):
			return size, tokenRoot
		}
		return size, tokenComment
	case c|0x20 < 'a' || c|0x20 > 'z':
		return 0, tokenOther
	}
	end := bytes.IndexAny(text, space+"/>")
	if end < 0 {
		if n := len(text) - 1; n <= len("head") {
			for _, name := range []string{"html", "head"} {
				if strings.EqualFold(string(text[1:]), name[:n]) {
					return -1, tokenHead // may become <html> or <head>
				}
			}
		}
		return 0, tokenOther
	}
	switch strings.ToLower(string(text[1:end])) {
	case "html":
		is = tokenRoot
	case "head":
		is = tokenHead
	default:
		return 0, tokenOther
	}
	return tagEnd(text, end), is
}

// tagEnd returns the end of a tag whose name ends at at; -1 if the tag is incomplete. Quotes count only around
// values.
func tagEnd(text []byte, at int) int {
	value := false // a value follows
	for at < len(text) {
		switch c := text[at]; {
		case c == '>':
			return at + 1
		case c == '=':
			value = true
		case strings.IndexByte(space, c) >= 0:
		case value && (c == '"' || c == '\''):
			end := bytes.IndexByte(text[at+1:], c)
			if end < 0 {
				return -1
			}
			at += 1 + end
			value = false
		case value:
			end := bytes.IndexAny(text[at:], space+">")
			if end < 0 {
				return -1
			}
			at += end - 1
			value = false
		}
		at++
	}
	return -1
}
