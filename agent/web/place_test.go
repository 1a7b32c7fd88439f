package web

import (
	"strings"
	"testing"
)

// TestPlace: the mark | is the place of the tag. A text without a mark is a part of a page (part), or is left alone
// (other).
func TestPlace(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       found
	}{
		{"a page", "<!doctype html><html><head>|<title>x", foundPlace},
		{"in capitals", "<!DOCTYPE HTML><HTML LANG=en><HEAD>|", foundPlace},
		{"with attributes", `<!doctype html><html a="<head>" b='>' c=>` + "\n<head d = \">\" >|", foundPlace},
		{"a quote that is none", `<!doctype html><html lang=en' x><head>|`, foundPlace},
		{"a quote in a name", `<!doctype html><html la"ng><head>|`, foundPlace},
		{"that ends itself", `<!doctype html><html/><head/>|`, foundPlace},
		{"with a mark of its encoding", "\xef\xbb\xbf<!doctype html><head>|", foundPlace},
		{"with comments", "<!-- <head> --><!doctype html><!--><!---><!-- --!><head>|", foundPlace},
		{"with what is taken for comments", "<?xml version='1.0'?><!ELEMENT><!doctype html><head>|", foundPlace},
		{"without a doctype", "<html><head>|", foundPlace},
		{"with a head alone", " <head>|", foundPlace},
		{"without a head", "<!doctype html><html>\n|<body>", foundPlace},
		{"without html", "<!doctype html>\n<!-- x -->|<title>", foundPlace},
		{"with text at once", "<!doctype html>|hello", foundPlace},
		{"with the end of a head", "<!doctype html>|</head>", foundPlace},
		{"header is not head", "<!doctype html>|<header>", foundPlace},
		{"with a sign", "<!doctype html>|<3", foundPlace},
		{"a long doctype", `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://x"><html><head>|`, foundPlace},
		{"a part", "<h1>hello</h1><head>", foundPart},
		{"text", "hello <html>", foundPart},
		{"a part after a comment", "<!-- x --><p>", foundPart},
		{"UTF-16", "\xff\xfe<\x00", foundOther},
		{"UTF-16, the other one", "\xfe\xff\x00<", foundOther},
		{"UTF-16 without a mark", "\x00<\x00h", foundOther},
		{"nothing", "", foundNothing},
		{"white space", " \r\n\t", foundNothing},
		{"a doctype", "<!doctype html", foundNothing},
		{"a comment without end", "<!-- <head> --", foundNothing},
		{"a tag without end", `<head x="`, foundNothing},
		{"a name without end", `<!doctype html><he`, foundNothing},
		{"the beginning of a mark", "\xef\xbb", foundNothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(c.text, "|", "", 1)
			at := strings.IndexByte(c.text, '|')
			for _, step := range []int{len(text) + 1, 1, 3} { // at once, and in pieces
				var p place
				have := foundNothing
				for n := 0; n < len(text) && have == foundNothing; {
					if n += step; n > len(text) {
						n = len(text)
					}
					have = p.look([]byte(text[:n]))
				}
				if have != c.want || have == foundPlace && p.next != at {
					t.Errorf("in steps of %d: have %d at %d, want %d at %d", step, have, p.next, c.want, at)
				}
			}
		})
	}
}
