package hub_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/hub"
)

func TestCacheFolder(t *testing.T) {
	home := t.TempDir()
	for _, c := range []struct {
		variables map[string]string
		want      string
	}{
		{nil, filepath.Join(home, ".cache/huggingface/hub")},
		{map[string]string{"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"},
		{map[string]string{"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}, "/h/hub"},
		{map[string]string{"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"},
		{map[string]string{"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/new"}, "/new"},
		{map[string]string{"HF_HOME": "~/models"}, filepath.Join(home, "models/hub")},
		{map[string]string{"HF_HOME": "$DISK/${PART}/$NONE", "DISK": "/d", "PART": "p"}, "/d/p/$NONE/hub"},
	} {
		got, err := hub.ConfigFrom(c.variables, home)
		want, _ := filepath.Abs(c.want)
		if err != nil || got.Cache != want {
			t.Errorf("%v: cache %s, %v; want %s", c.variables, got.Cache, err, want)
		}
	}
}

func TestVariables(t *testing.T) {
	c, err := hub.ConfigFrom(map[string]string{"HF_ENDPOINT": "https://mirror.example/hub/", "HF_HUB_ETAG_TIMEOUT": "3",
		"HF_HUB_DOWNLOAD_TIMEOUT": "0.5", "HF_HUB_DISABLE_SYMLINKS": "yes", "TRANSFORMERS_OFFLINE": "1"}, t.TempDir())
	if err != nil || c.Endpoint != "https://mirror.example/hub/" ||
		c.ETagWait != 3*time.Second || c.DataWait != time.Second/2 || !c.CopyFiles {
		t.Errorf("config %+v, %v", c, err)
	}
	if c.Offline != "TRANSFORMERS_OFFLINE=1" {
		t.Errorf("offline %q; want TRANSFORMERS_OFFLINE=1", c.Offline)
	}
	c, err = hub.ConfigFrom(map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, t.TempDir())
	if err != nil || c.Offline != "" {
		t.Errorf("offline %q, %v; HF_HUB_OFFLINE=0 counts before TRANSFORMERS_OFFLINE", c.Offline, err)
	}
}

func TestTokenSources(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "secret")
	if err := os.WriteFile(file, []byte("hf_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "token"), []byte(" hf_home \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		variables map[string]string
		want      string
	}{
		{nil, ""},
		{map[string]string{"HF_HOME": home}, "hf_home"},
		{map[string]string{"HF_HOME": home, "HF_TOKEN_PATH": file}, "hf_file"},
		{map[string]string{"HF_HOME": home, "HUGGING_FACE_HUB_TOKEN": "hf_old"}, "hf_old"},
		{map[string]string{"HF_HOME": home, "HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_TOKEN": " hf_new"}, "hf_new"},
		{map[string]string{"HF_TOKEN": "hf_new", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, ""},
	} {
		if got, err := hub.ConfigFrom(c.variables, t.TempDir()); err != nil || got.Token.Reveal() != c.want {
			t.Errorf("%v: token %q, %v; want %q", c.variables, got.Token.Reveal(), err, c.want)
		}
	}
}

// No way of printing shows a token.
func TestTokensAreNotPrinted(t *testing.T) {
	token, err := hub.NewToken("hf_secret")
	if err != nil {
		t.Fatal(err)
	}
	config := hub.Config{Endpoint: "https://huggingface.co", Cache: t.TempDir(), Token: token}
	client, err := hub.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{token, &token, config, &config, client, *client} {
		text := fmt.Sprintf("%v %+v %#v %s %q %x", value, value, value, value, value, value)
		b, _ := json.Marshal(value)
		if text += string(b); strings.Contains(text, "hf_secret") || strings.Contains(text, fmt.Sprintf("%x", "hf_secret")) {
			t.Errorf("%T prints the token: %s", value, text)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"HF_ENDPOINT", "huggingface.co", "expected http:// or https://"},
		{"HF_ENDPOINT", "ftp://host", "expected http:// or https://"},
		{"HF_ENDPOINT", "https://me:hunter2@host", "HF_ENDPOINT: the endpoint has a name or a password"},
		{"HF_ENDPOINT", "https://host/?q", "expected http:// or https://"},
		{"HF_ENDPOINT", "https://me:hunter2@ho st", "is no URL"},
		{"HF_HUB_ETAG_TIMEOUT", "soon", `found HF_HUB_ETAG_TIMEOUT="soon", expected a number of seconds`},
		{"HF_HUB_DOWNLOAD_TIMEOUT", "-1", "expected a number of seconds above 0"},
		{"HF_HUB_DOWNLOAD_TIMEOUT", "NaN", "expected a number of seconds above 0"},
		{"HF_TOKEN", "hf hunter2", "HF_TOKEN: the token has 10 bytes"},
		{"HF_TOKEN", "hf\nhunter2", "HF_TOKEN: the token has 10 bytes"},
	} {
		_, err := hub.ConfigFrom(map[string]string{c.name: c.value}, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%s: error %v; want one with %q and without the secret", c.name, c.value, err, c.want)
		}
	}
}
