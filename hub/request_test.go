package hub_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/hubtest"
)

// The token goes to the hub alone, whatever it redirects to.
func TestTheTokenStaysWithTheHub(t *testing.T) {
	h := hubtest.New(t)
	h.Add("new/name", "main", encoder())
	h.Rename("org/model", "new/name")
	h.Gate("new/name", "hf_secret", "GatedRepo")
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/1_Pooling/config.json") { // a small file from another host, too
			http.Redirect(w, r, h.Storage+"/other/config.json?signature=secret", http.StatusTemporaryRedirect)
			return true
		}
		if strings.HasPrefix(r.URL.Path, "/other/") {
			_, _ = w.Write([]byte(`{"p": 1}`))
			return true
		}
		return false
	})
	token, err := hub.NewToken("hf_secret")
	if err != nil {
		t.Fatal(err)
	}
	mustPull(t, client(t, h, func(c *hub.Config) { c.Token = token }), "org/model", hub.Want{})
	count := 0
	for _, r := range h.Requests() {
		if want := "Bearer hf_secret"; !r.Storage && r.Authorization != want || r.Storage && r.Authorization != "" {
			t.Errorf("%s %s, storage %v: authorization %q", r.Method, r.Path, r.Storage, r.Authorization)
		}
		if r.Storage {
			count++
		}
		if r.Agent != "longspan/test" {
			t.Errorf("agent %q", r.Agent)
		}
	}
	if count != 2 {
		t.Errorf("the storage was asked %d times; want 2", count)
	}
}

// A hub that redirects questions about files to another host is not followed there.
func TestQuestionsStayWithTheHub(t *testing.T) {
	h := one(t)
	h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead || strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Query().Get("again") == "" {
			http.Redirect(w, r, h.Storage+"/elsewhere", http.StatusFound)
			return true
		}
		return false
	})
	_, _, err := pull(t, client(t, h, nil), "org/model", hub.Want{})
	refuses(t, "a list elsewhere", err, "answers 302 Found")
	for _, r := range h.Requests() {
		if r.Storage {
			t.Errorf("the other host was asked for %s", r.Path)
		}
	}
}

func TestRefusals(t *testing.T) {
	token, err := hub.NewToken("hf_secret")
	if err != nil {
		t.Fatal(err)
	}
	h := hubtest.New(t)
	for _, name := range []string{"org/model", "org/gated", "org/private"} {
		h.Add(name, "main", encoder())
	}
	h.Gate("org/gated", "hf_other", "GatedRepo")
	h.Gate("org/private", "hf_other", "RepoNotFound")
	for _, c := range []struct {
		repo  string
		token hub.Token
		want  string
	}{
		{"org/none", hub.Token{}, "the hub has no public repo org/none; check the name, or set HF_TOKEN if the repo is private"},
		{"org/private", token, "the hub does not accept the token, or has no repo org/private"},
		{"org/gated", hub.Token{}, "org/gated is gated: accept the licence at " + h.URL + "/org/gated, then set HF_TOKEN"},
		{"org/gated", token, "org/gated is gated, and the account of the token has no access: accept the licence"},
		{"org/model@v2", hub.Token{}, "org/model has no revision v2; its branches and tags are at " + h.URL + "/org/model/tree/main"},
	} {
		_, _, err := pull(t, client(t, h, func(config *hub.Config) { config.Token = c.token }), c.repo, hub.Want{})
		refuses(t, c.repo, err, c.want)
		var status *hub.StatusError
		if !errors.As(err, &status) || !status.Refused() {
			t.Errorf("%s: %v is no refusal", c.repo, err)
		}
		if err != nil && strings.Contains(err.Error(), "hf_secret") { // the test's hub sends it back
			t.Errorf("%s: the error shows the token: %v", c.repo, err)
		}
	}
}

func TestASilentServer(t *testing.T) {
	for what, silent := range map[string]func(r *http.Request) bool{
		"the list":   func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") },
		"a question": func(r *http.Request) bool { return r.Method == http.MethodHead },
		"a file":     isStorage,
	} {
		h := one(t)
		h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if !silent(r) {
				return false
			}
			if isStorage(r) {
				w.Header().Set("Content-Length", strconv.Itoa(len(weights)))
				_, _ = w.Write([]byte(weights[:1000]))
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
			return true
		})
		const wait = 40 * time.Millisecond
		c := client(t, h, func(c *hub.Config) { c.ETagWait, c.DataWait = wait, wait })
		_, _, err := pull(t, c, "org/model", hub.Want{})
		refuses(t, what, err, "after 5 tries")
		refuses(t, what, err, "the server sent nothing for 40ms; try again, or wait longer with HF_HUB_ETAG_TIMEOUT")
	}
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		status int
		after  string
		fails  int32
		pauses string
		want   string
	}{
		{503, "", 2, "1s 2s", ""},
		{429, "7", 1, "7s", ""},
		{500, "", 9, "1s 2s 4s 8s", "after 5 tries: the hub has a fault; try again later ("},
		{429, "100000", 9, "", "the hub wants fewer requests"},
		{418, "", 9, "", "answers 418 I'm a teapot"},
	} {
		h := one(t)
		var count atomic.Int32
		h.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/api/") || count.Add(1) > c.fails {
				return false
			}
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.WriteHeader(c.status)
			return true
		})
		client := client(t, h, nil)
		var pauses []string
		client.SetPause(func(_ context.Context, d time.Duration) error {
			pauses = append(pauses, d.String())
			return nil
		})
		_, _, err := pull(t, client, "org/model", hub.Want{})
		if c.want != "" {
			refuses(t, strconv.Itoa(c.status), err, c.want)
		} else if err != nil {
			t.Errorf("%d: %v", c.status, err)
		}
		if got := strings.Join(pauses, " "); got != c.pauses {
			t.Errorf("%d: pauses %q; want %q", c.status, got, c.pauses)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "12": 12 * time.Second, "-3": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "99999999999999": 0} {
		if got := hub.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v; want %v", text, got, want)
		}
	}
}

// A closed port is no reason to try again.
func TestAnUnreachableHub(t *testing.T) {
	h := one(t)
	c := client(t, h, func(c *hub.Config) { c.Endpoint = "http://127.0.0.1:1" })
	c.SetPause(func(context.Context, time.Duration) error { return errors.New("tried again") })
	_, _, err := pull(t, c, "org/model", hub.Want{})
	refuses(t, "a closed port", err, "cannot reach http://127.0.0.1:1: ")
	refuses(t, "a closed port", err, "check the network, HF_ENDPOINT, and HTTPS_PROXY")
}

func TestOffline(t *testing.T) {
	h := one(t)
	dir := t.TempDir()
	offline := client(t, h, func(c *hub.Config) { c.Cache, c.Offline = dir, "HF_HUB_OFFLINE=1" })
	_, _, err := pull(t, offline, "org/model", hub.Want{})
	refuses(t, "offline", err, "the network is switched off: HF_HUB_OFFLINE=1 forbids the network; unset it to download")
	if !errors.Is(err, hub.ErrOffline) || len(h.Requests()) > 0 {
		t.Errorf("error %v, or the hub was asked", err)
	}
	p, _ := mustPull(t, client(t, h, in(dir)), "org/model", hub.Want{})
	_, _, err = pull(t, offline, "org/model", hub.Want{})
	refuses(t, "offline", err, "The cache has org/model in "+p.Folder)
}
