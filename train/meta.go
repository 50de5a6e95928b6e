package train

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/longspan/longspan/safetensors"
)

// Meta describes a run. Every checkpoint and the final model store it. The zero value describes a run without a config.
type Meta struct {
	Task     Task              `json:"task"`
	Frozen   map[string]string `json:"frozen,omitempty"`   // settings that may not change on resume, such as model.width
	Settings map[string]string `json:"settings,omitempty"` // all settings; a change is noted on resume
	Config   string            `json:"-"`                  // text of config.yaml
}

// Task identifies the head of a model, whose weights serve one task only. The other weights serve any task: a run that starts from the
// weights of another task draws a new head. The zero value is a model without a head.
type Task struct {
	Name  string `json:"name,omitempty"`  // two runs can share a head if their tasks have the same name
	Head  string `json:"head,omitempty"`  // prefix of the names of the head's weights
	Table string `json:"table,omitempty"` // the weight whose first Rows rows serve any task; the task may have added rows
	Rows  int    `json:"rows,omitempty"`
}

// isHead reports whether a weight belongs to the head.
func (t Task) isHead(name string) bool { return t.Head != "" && strings.HasPrefix(name, t.Head) }

// metadata is m in the metadata of a file.
func (m Meta) metadata() (map[string]string, error) {
	text, err := json.Marshal(m)
	return map[string]string{metaKey: string(text), configKey: m.Config}, err
}

// metaOf reads the Meta of a file; ok is false if it has none.
func metaOf(f *safetensors.File) (m Meta, ok bool, err error) {
	text, ok := f.Metadata()[metaKey]
	if !ok {
		return m, false, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, false, fmt.Errorf("the description of the run cannot be read: %w", err)
	}
	return m, true, nil
}

// resumable checks that a run described by saved can continue as m, and returns the settings that have changed.
func (m Meta) resumable(saved Meta) (changes []string, err error) {
	const instead = "resume with the settings of the run, or start a new run from its weights with train.init"
	if frozen := changed(saved.Frozen, m.Frozen); len(frozen) > 0 {
		return nil, fmt.Errorf("the config has changed: %s; %s", strings.Join(frozen, "; "), instead)
	}
	if saved.Task != m.Task {
		return nil, fmt.Errorf("the run learns the task %q and the config asks for %q; %s", saved.Task.Name, m.Task.Name, instead)
	}
	return changed(saved.Settings, m.Settings), nil
}

var errOld = errors.New("an older version of Longspan wrote it, without the settings that resuming must check; " +
	"start a new run from its weights with train.init")

// changed lists the settings that differ, as "a.b: old → new", in the order of their names.
func changed(before, after map[string]string) (changes []string) {
	all := map[string]string{}
	maps.Copy(all, before)
	maps.Copy(all, after)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if before[key] != after[key] {
			changes = append(changes, fmt.Sprintf("%s: %s → %s", key, cmp.Or(before[key], "nothing"), cmp.Or(after[key], "nothing")))
		}
	}
	return changes
}
