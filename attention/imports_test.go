package attention

import (
	"go/build"
	"path/filepath"
	"strings"
	"testing"
)

// A program that imports attention must not link fonts: pictures are in pattern/draw.
func TestLinksNoFonts(t *testing.T) {
	const module = "github.com/longspan/longspan/"
	seen := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		if strings.HasPrefix(path, "golang.org/x/image") {
			t.Errorf("attention links %s", path)
		}
		inner, ours := strings.CutPrefix(path, module)
		if !ours {
			return
		}
		p, err := build.ImportDir(filepath.Join("..", inner), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range p.Imports {
			visit(imported)
		}
	}
	visit(module + "attention")
	if !seen[module+"attention/pattern"] {
		t.Error("the walk over imports did not reach attention/pattern")
	}
}
