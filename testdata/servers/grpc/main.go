// Command grpc answers the unary call /echo.Echo/Echo, and the stream /echo.Echo/Stream, with messages of plain bytes.
// An ordinary program, without code for hotreload. With stop, SIGTERM leads to GracefulStop; with bare, SIGTERM kills
// the program.
package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"
)

// asItIs is a codec for plain bytes.
type asItIs struct{}

func (asItIs) Name() string                    { return "bytes" }
func (asItIs) Marshal(v any) ([]byte, error)   { return []byte(*v.(*string)), nil }
func (asItIs) Unmarshal(b []byte, v any) error { *v.(*string) = string(b); return nil }

// answer returns the answer to a message, which begins with its number.
func answer(message string) *string {
	id, body, _ := strings.Cut(message, ";")
	text := fmt.Sprintf("%s %s %d %d\n", os.Getenv("HOTRELOAD_GENERATION"), id, len(body),
		crc32.ChecksumIEEE([]byte(body)))
	return &text
}

var service = grpc.ServiceDesc{
	ServiceName: "echo.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Echo",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var message string
			if err := decode(&message); err != nil {
				return nil, err
			}
			return answer(message), nil
		},
	}},
	Streams: []grpc.StreamDesc{{
		StreamName: "Stream", ServerStreams: true, ClientStreams: true,
		Handler: func(_ any, stream grpc.ServerStream) error {
			for {
				var message string
				if err := stream.RecvMsg(&message); err != nil {
					return nil // the client has sent all messages
				}
				if err := stream.SendMsg(answer(message)); err != nil {
					return err
				}
			}
		},
	}},
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(asItIs{}))
	server.RegisterService(&service, nil)
	stopped := make(chan struct{})
	if os.Args[2] == "stop" {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		go func() { // ends with the program
			<-term
			server.GracefulStop()
			close(stopped)
		}()
	}
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
	<-stopped
}
