//go:build go1.24

package web

import "net/http"

// foretell does nothing: since Go 1.24 connections are followed, and all others are not net/http's.
func foretell(http.ResponseWriter) bool { return false }
