package web

import "net/http"

// Handler puts the tag into the documents of another handler, as a gate does. Handler is for hotreload's own proxy;
// programs have gates.
func (b *Browser) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.isDocument(r) {
			b.serve(next, w, r)
		} else {
			next.ServeHTTP(w, r)
		}
	})
}
