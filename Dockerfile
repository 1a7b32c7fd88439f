# Go with hotreload, for development: docker run -v "$PWD:/src" -p 127.0.0.1:8080:8080 IMAGE ./cmd/server
# goreleaser puts the binary into the build context, below the platform's name.
FROM golang:1.26
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/hotreload /usr/local/bin/hotreload
WORKDIR /src
STOPSIGNAL SIGTERM
ENTRYPOINT ["hotreload"]
