package model

import (
	"testing"

	"github.com/longspan/longspan/tensor"
)

// A folder keeps the roles that a tokenizer does not know by itself, such as that of the token that hides others.
func TestSavedModelsKeepTheRolesOfTokens(t *testing.T) {
	m := tiny(t, "bert_plain")
	if m.Roles().Mask < 0 {
		t.Fatalf("found no mask token among %+v", m.Roles())
	}
	dir := t.TempDir()
	if err := m.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Roles() != m.Roles() {
		t.Errorf("found the roles %+v, want %+v", again.Roles(), m.Roles())
	}
}
