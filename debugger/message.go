package debugger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
)

// message is a message of the Debug Adapter Protocol. The keeper passes most messages on, so the contents stay as sent:
// a codec with a Go type for each message would drop unknown fields.
type message struct {
	Seq        int             `json:"seq"`
	Type       string          `json:"type"` // request, response or event
	Command    string          `json:"command,omitempty"`
	Event      string          `json:"event,omitempty"`
	Arguments  json.RawMessage `json:"arguments,omitempty"`
	RequestSeq int             `json:"request_seq,omitempty"`
	Success    *bool           `json:"success,omitempty"`
	Message    string          `json:"message,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
}

func (m message) ok() bool { return m.Success != nil && *m.Success }

// maxMessage is the longest message. Debuggers send variables in portions, far below.
const maxMessage = 64 << 20

var errTooLong = errors.New("a message is too long")

// read reads one message.
func read(r *bufio.Reader) (m message, err error) {
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil {
		return m, err
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil || length < 0 {
		return m, fmt.Errorf("a message without its length: %q", header.Get("Content-Length"))
	}
	if length > maxMessage {
		return m, errTooLong
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("a message that is no JSON: %w", err)
	}
	return m, nil
}

// encoded returns a message with its header.
func (m message) encoded() []byte {
	whole := struct {
		message
		RequestSeq *int `json:"request_seq,omitempty"`
	}{message: m}
	if m.Type == "response" {
		whole.RequestSeq = &m.RequestSeq // also 0: nvim-dap counts from 0
	}
	body, err := json.Marshal(whole)
	if err != nil {
		panic(err) // raw parts are valid: made by json.Unmarshal, or here
	}
	return append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// raw encodes a value made in this package.
func raw(v any) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // values made in this package have no channels and no functions
	}
	return bytes.TrimSpace(text.Bytes())
}

// object decodes an object; numbers keep their digits. A missing object is empty.
func object(text json.RawMessage) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	o := map[string]any{}
	if len(text) > 0 {
		_ = decoder.Decode(&o)
	}
	if o == nil {
		o = map[string]any{}
	}
	return o
}

// number reads a number of a decoded object.
func number(v any) (n int, ok bool) {
	digits, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits.String())
	return n, err == nil
}

type fields = map[string]any

func answerTo(seq int, command string, body any) message {
	yes := true
	m := message{Type: "response", RequestSeq: seq, Command: command, Success: &yes}
	if body != nil {
		m.Body = raw(body)
	}
	return m
}

func errorTo(seq int, command, text string) message {
	no := false
	return message{
		Type: "response", RequestSeq: seq, Command: command, Success: &no, Message: text,
		Body: raw(fields{"error": fields{"id": 1, "format": "{text}", "variables": fields{"text": text}, "showUser": true}}),
	}
}

func eventOf(name string, body any) message {
	m := message{Type: "event", Event: name}
	if body != nil {
		m.Body = raw(body)
	}
	return m
}
