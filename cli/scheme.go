package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// askLimit is how long a program may take to answer a TLS handshake. A slower program is opened by http. Felt right,
// not measured.
const askLimit = 2 * time.Second

// schemeAt asks a program's address whether it speaks TLS: "https", else "http". No certificate is checked, because
// nothing is sent after the handshake.
func schemeAt(ctx context.Context, address string, limit time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return schemeAfter(err)
}

// schemeAfter is the rule: a handshake that succeeds, or that the program refuses by an alert of TLS, means https. All
// else means http: an answer that is not TLS, no answer in time, a closed connection.
func schemeAfter(handshake error) string {
	var refused *net.OpError
	if handshake == nil || errors.As(handshake, &refused) && refused.Op == "remote error" { // Op of alerts in crypto/tls
		return "https"
	}
	return "http"
}
