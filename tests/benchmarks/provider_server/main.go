// A provider for benchmarks: it accepts every POST after a delay, and counts the distinct idempotency keys.
//
// It shares the machine with Leopard. To use little CPU, it parses only the headers that it needs.
package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	mathrand "math/rand"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

var (
	contentLength  = []byte("content-length:")
	idempotencyKey = []byte("idempotency-key:")
)

type counts struct {
	sync.Mutex
	requests int
	seen     map[string]struct{}
}

func (c *counts) add(key string) {
	c.Lock()
	c.requests++
	c.seen[key] = struct{}{}
	c.Unlock()
}

func (c *counts) json() string {
	c.Lock()
	defer c.Unlock()
	return fmt.Sprintf(`{"requests":%d,"distinct":%d}`, c.requests, len(c.seen))
}

// keys returns all distinct keys, one per line.
func (c *counts) keys() string {
	c.Lock()
	defer c.Unlock()
	var lines strings.Builder
	for key := range c.seen {
		lines.WriteString(key)
		lines.WriteByte('\n')
	}
	return lines.String()
}

type server struct {
	minLatency, maxLatency time.Duration
	counts                 counts
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "address to listen on")
	minLatency := flag.Duration("min", 0, "shortest time until the answer")
	maxLatency := flag.Duration("max", 0, "longest time until the answer")
	certificate := flag.String("certificate", "", "use TLS, and write the certificate to this file")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	if *certificate != "" {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{newCertificate(*certificate)}})
	}
	s := &server{minLatency: *minLatency, maxLatency: *maxLatency, counts: counts{seen: map[string]struct{}{}}}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go s.serve(connection)
	}
}

func (s *server) serve(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 2048)
	for {
		get, keys, key, length, err := readHead(reader)
		if err != nil {
			return
		}
		if _, err := reader.Discard(length); err != nil {
			return
		}
		if get {
			kind, body := "application/json", ""
			if keys {
				kind, body = "text/plain", s.counts.keys()
			} else {
				body = s.counts.json()
			}
			fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
			continue
		}
		s.counts.add(key)
		if s.maxLatency > 0 {
			time.Sleep(s.minLatency + time.Duration(mathrand.Int63n(int64(s.maxLatency-s.minLatency)+1)))
		}
		if _, err := io.WriteString(connection, accepted); err != nil {
			return
		}
	}
}

func readHead(reader *bufio.Reader) (get, keys bool, key string, length int, err error) {
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return
	}
	get = bytes.HasPrefix(line, []byte("GET "))
	keys = bytes.HasPrefix(line, []byte("GET /keys "))
	for {
		line, err = reader.ReadSlice('\n')
		if err != nil {
			return
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return
		}
		if value, found := header(line, contentLength); found {
			if length, err = strconv.Atoi(value); err != nil {
				return
			}
		} else if value, found := header(line, idempotencyKey); found {
			key = value
		}
	}
}

func header(line, name []byte) (string, bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], name) {
		return "", false
	}
	return string(bytes.TrimSpace(line[len(name):])), true
}

func newCertificate(file string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	// the file must appear complete: a process may be waiting for it
	if err := os.WriteFile(file+".new", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
