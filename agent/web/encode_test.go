package web

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"reflect"
	"testing"
)

func TestEncode(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	one := server.Certificate()
	state := &tls.ConnectionState{
		Version: tls.VersionTLS13, HandshakeComplete: true, DidResume: true, CipherSuite: tls.TLS_AES_128_GCM_SHA256,
		NegotiatedProtocol: "http/1.1", NegotiatedProtocolIsMutual: true, ServerName: "x.example", OCSPResponse: []byte{},
		SignedCertificateTimestamps: [][]byte{{1, 2}, {}, {0}}, TLSUnique: []byte("unique"),
	}
	state.PeerCertificates = append(state.PeerCertificates, one)
	state.VerifiedChains = append(state.VerifiedChains, state.PeerCertificates)
	for _, want := range []preface{
		{},
		{LocalUnix: &net.UnixAddr{Name: "/s", Net: "unix"}, RemoteUnix: &net.UnixAddr{}},
		{LocalTCP: &net.TCPAddr{IP: net.IPv6loopback, Port: 65535, Zone: "z"}, TLS: &tls.ConnectionState{}},
		{TLS: state},
	} {
		text, ok := encode(reflect.ValueOf(want))
		if !ok {
			t.Fatalf("%+v cannot be encoded", want)
		}
		var have preface
		if d := (decoder{}); !d.decode(text, reflect.ValueOf(&have).Elem()) || !reflect.DeepEqual(have, want) {
			t.Errorf("have %+v\nwant %+v", have, want)
		}
		if want.TLS == state && have.TLS.VerifiedChains[0][0] != have.TLS.PeerCertificates[0] {
			t.Error("one certificate has become two")
		}
		for i := range text { // decode must not panic
			var none preface
			d := decoder{}
			_ = d.decode(text[:i], reflect.ValueOf(&none).Elem())
			_ = d.decode(append(bytes.Repeat([]byte{0xff}, i), text[i:]...), reflect.ValueOf(&none).Elem())
		}
	}
}

// TestEncodeKnowsWhatItDoesNotKnow: possible types of a future version of Go are refused.
func TestEncodeKnowsWhatItDoesNotKnow(t *testing.T) {
	if _, ok := encode(reflect.ValueOf(struct{ F float64 }{1})); ok {
		t.Error("a number with a fraction is encoded")
	}
	text, _ := encode(reflect.ValueOf(struct {
		A, B string
		c    string
	}{"a", "b", "c"}))
	have := struct{ B, c string }{}
	if d := (decoder{}); !d.decode(text, reflect.ValueOf(&have).Elem()) || have.B != "b" || have.c != "" {
		t.Errorf("have %+v", have)
	}
}
