package hub_test

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/hub"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]hub.Ref{
		"gpt2":                       {Repo: "gpt2", Revision: "main"},
		"google/gemma-3-270m":        {Repo: "google/gemma-3-270m", Revision: "main"},
		"a_b/C.d@v1.0":               {Repo: "a_b/C.d", Revision: "v1.0"},
		"a/b@refs/pr/7":              {Repo: "a/b", Revision: "refs/pr/7"},
		"a/b@e1":                     {Repo: "a/b", Revision: "e1"},
		strings.Repeat("x", 96):      {Repo: strings.Repeat("x", 96), Revision: "main"},
		"a/b@feature/x@y":            {Repo: "a/b", Revision: "feature/x@y"},
		"sentence-transformers/a@v2": {Repo: "sentence-transformers/a", Revision: "v2"},
	} {
		got, err := hub.ParseRef(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
		if back, err := hub.ParseRef(got.String()); err != nil || back != got {
			t.Errorf("%s: String is %s, which is read as %+v, %v", text, got, back, err)
		}
	}
}

func TestParseRefRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      `is empty; expected org/name`,
		"a/b/c":                 `has more than one "/"`,
		"a/":                    `nothing on one side`,
		"a--b":                  `has "--"`,
		"../b":                  `has ".."`,
		"a/b.git":               `ends in ".git"`,
		"a/b c":                 `has the character ' '`,
		"a/é":                   `has the character 'é'`,
		"-a/b":                  `begins or ends with "-"`,
		"a/b.":                  `begins or ends with "-" or "."`,
		strings.Repeat("x", 97): `has 97 characters, more than 96`,
		"https://host/a/b":      `has more than one "/"`,
		"a/b@":                  `revision after @ is empty`,
		"a/b@../../x":           `the part "..", which leaves the folder`,
		"a/b@/etc":              `is absolute`,
		"a/b@x\x00":             `cannot be printed`,
	} {
		if _, err := hub.ParseRef(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"config.json", "1_Pooling/config.json", "a/b/c.txt", ".gitattributes", "..a", "a..b", "com.json", "COM10",
		"größe.json", "a b.txt"} {
		if err := hub.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":                              "is empty",
		"/etc/passwd":                   "is absolute",
		"../x":                          `the part ".."`,
		"a/../../x":                     `the part ".."`,
		"a/./x":                         `the part "."`,
		"a//x":                          "empty part",
		"a/":                            `ends in "/"`,
		`a\..\x`:                        "a backslash or a colon",
		"C:x":                           "a backslash or a colon",
		"a.json:stream":                 "a backslash or a colon",
		"a\x00.json":                    "cannot be printed",
		"a\x1b[2J":                      "cannot be printed",
		"a\u202egpj.exe":                "cannot be printed",
		"\xff":                          "not UTF-8",
		"con":                           "a device of Windows",
		"a/Aux.json":                    "a device of Windows",
		"NUL .txt":                      "a device of Windows",
		"lpt1":                          "a device of Windows",
		"com¹.txt":                      "a device of Windows",
		"a./x":                          `ends in "." or a blank`,
		"x ":                            `ends in "." or a blank`,
		".git/config":                   "a folder of Git",
		"a/.GIT/hooks/x":                "a folder of Git",
		strings.Repeat("a", 256):        "a part of 256 bytes",
		strings.Repeat("a/", 600) + "a": "has 1201 bytes",
	} {
		if err := hub.CheckName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", name, err, want)
		}
	}
}
