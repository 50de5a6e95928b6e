package hub

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// DefaultEndpoint is the hub that is asked where HF_ENDPOINT names no other.
const DefaultEndpoint = "https://huggingface.co"

// defaultTimeout is what the Python library waits for an answer, and for the next bytes of a file.
const defaultTimeout = 10 * time.Second

// Config says where the hub and the cache are, and how the hub is asked.
type Config struct {
	Endpoint  string        // URL of the hub
	Cache     string        // absolute path of the cache's folder
	Token     Token         // goes to the endpoint alone
	Offline   string        // the variable that forbids the network, such as HF_HUB_OFFLINE=1; empty if none does
	ETagWait  time.Duration // longest silence of a server that is asked about a file; 0: 10 s
	DataWait  time.Duration // longest silence of a server that sends a file; 0: 10 s
	CopyFiles bool          // put files into snapshots themselves, not links to them
	Agent     string        // what the client calls itself; empty: longspan
}

// FromEnvironment reads the variables of the Python library, with its rules:
//
//	home       HF_HOME, else huggingface in XDG_CACHE_HOME, else ~/.cache/huggingface
//	cache      HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else hub in the home
//	endpoint   HF_ENDPOINT
//	token      HF_TOKEN, else HUGGING_FACE_HUB_TOKEN, else the file HF_TOKEN_PATH or token in the home;
//	           none with HF_HUB_DISABLE_IMPLICIT_TOKEN
//	offline    HF_HUB_OFFLINE, else TRANSFORMERS_OFFLINE
//	time-outs  HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT, in seconds
//	links      HF_HUB_DISABLE_SYMLINKS
//
// A switch is on if it is 1, ON, YES or TRUE in any case. In paths ~ and $NAME are expanded. The client takes proxies from HTTPS_PROXY,
// HTTP_PROXY and NO_PROXY.
func FromEnvironment() (Config, error) {
	return fromEnvironment(environment{os.Getenv, os.UserHomeDir})
}

// environment is where settings are looked up.
type environment struct {
	get  func(name string) string
	home func() (string, error)
}

func fromEnvironment(e environment) (c Config, err error) {
	c.Endpoint = DefaultEndpoint
	if endpoint := e.get("HF_ENDPOINT"); endpoint != "" {
		c.Endpoint = endpoint
	}
	if _, err = parseEndpoint(c.Endpoint); err != nil {
		return c, fmt.Errorf("HF_ENDPOINT: %w", err)
	}
	if c.Cache, err = e.cache(); err != nil {
		return c, err
	}
	if c.ETagWait, err = e.seconds("HF_HUB_ETAG_TIMEOUT"); err != nil {
		return c, err
	}
	if c.DataWait, err = e.seconds("HF_HUB_DOWNLOAD_TIMEOUT"); err != nil {
		return c, err
	}
	c.Offline = e.offline()
	c.CopyFiles = isOn(e.get("HF_HUB_DISABLE_SYMLINKS"))
	c.Token, err = e.token()
	return c, err
}

// isOn reads a switch as the Python library does.
func isOn(value string) bool {
	switch strings.ToUpper(value) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// offline returns the variable that forbids the network, with its value. The first that has a value counts, even if it is off.
func (e environment) offline() string {
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		value := e.get(name)
		if isOn(value) {
			return name + "=" + value
		}
		if value != "" {
			return ""
		}
	}
	return ""
}

// cache is the folder of the cache.
func (e environment) cache() (string, error) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if path := e.get(name); path != "" {
			return e.absolute(name, path)
		}
	}
	home, err := e.hubHome()
	return filepath.Join(home, "hub"), err
}

// hubHome is the folder of the cache and the token.
func (e environment) hubHome() (string, error) {
	if path := e.get("HF_HOME"); path != "" {
		return e.absolute("HF_HOME", path)
	}
	if path := e.get("XDG_CACHE_HOME"); path != "" {
		return e.absolute("XDG_CACHE_HOME", filepath.Join(path, "huggingface"))
	}
	return e.absolute("the home folder", "~/.cache/huggingface")
}

// absolute expands a path that a variable gives.
func (e environment) absolute(name, path string) (string, error) {
	path = os.Expand(path, func(variable string) string {
		if value := e.get(variable); value != "" {
			return value
		}
		return "$" + variable
	})
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := e.home()
		if err != nil {
			return "", fmt.Errorf("%s: the home folder is not known (%w); set HF_HOME to the folder of the cache", name, err)
		}
		path = filepath.Join(home, path[1:])
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return path, nil
}

// seconds reads a time-out; 0 if there is none.
func (e environment) seconds(name string) (time.Duration, error) {
	const most = 24 * 60 * 60 // a day
	text := e.get(name)
	if text == "" {
		return 0, nil
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(s > 0 && s <= most) {
		return 0, fmt.Errorf("found %s=%s, expected a number of seconds above 0 and up to %d", name, quoted(text), most)
	}
	return time.Duration(s * float64(time.Second)), nil
}

// token reads the token, if there is one and it may be used.
func (e environment) token() (Token, error) {
	if isOn(e.get("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return Token{}, nil
	}
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if text := strings.TrimSpace(e.get(name)); text != "" {
			return tokenFrom(name, text)
		}
	}
	path, name := e.get("HF_TOKEN_PATH"), "HF_TOKEN_PATH"
	var err error
	if path != "" {
		path, err = e.absolute(name, path)
	} else if path, err = e.hubHome(); err == nil {
		path, name = filepath.Join(path, "token"), "the token file"
	}
	if err != nil {
		return Token{}, err
	}
	text, err := readSmall(path)
	if errors.Is(err, os.ErrNotExist) {
		return Token{}, nil
	}
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w; HF_HUB_DISABLE_IMPLICIT_TOKEN=1 does without a token", name, err)
	}
	return tokenFrom(path, text)
}

func tokenFrom(source, text string) (Token, error) {
	t, err := NewToken(text)
	if err != nil {
		return t, fmt.Errorf("%s: %w", source, err)
	}
	return t, nil
}

// parseEndpoint checks the URL of a hub. Its name and password, if it had them, would stand in errors.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil:
		return nil, errors.New("the endpoint is no URL; expected one such as " + DefaultEndpoint) // err has the text, maybe with a password
	case u.User != nil:
		return nil, errors.New("the endpoint has a name or a password, which are not used; give a token in HF_TOKEN")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("found the endpoint %s, expected http:// or https://, a host and at most a path, such as %s",
			quoted(text), DefaultEndpoint)
	}
	return u, nil
}
