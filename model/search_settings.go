package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/sampling/beam"
)

// searchFiles is what the files of a folder say about a search. What cannot be read is an error when it is asked for.
type searchFiles struct {
	general beam.Settings
	tasks   map[string]task // of task_specific_params
	err     error
	read    bool // a folder was looked at
}

// task is what a config.json says about one use of the model.
type task struct {
	settings json.RawMessage
	prefix   string // before each text
}

// Names of the files of settings, the first found counts.
const (
	generationConfig = "generation_config.json"
	modelConfig      = "config.json"
)

// readSettings reads generation_config.json, or in older folders config.json; and the tasks of generation_config.json, or else those of
// config.json.
func readSettings(dir string) searchFiles {
	f := searchFiles{general: beam.DefaultSettings(), read: true}
	text, err := readOptional(filepath.Join(dir, generationConfig))
	config, problem := readOptional(filepath.Join(dir, modelConfig))
	if f.err = errors.Join(err, problem); f.err != nil {
		return f
	}
	switch {
	case text != nil:
		err = f.general.Read(text)
	case config != nil:
		err = f.general.ReadOld(config)
	}
	if err != nil {
		name := generationConfig
		if text == nil {
			name = modelConfig
		}
		f.err = fmt.Errorf("model: %s: %w", filepath.Join(dir, name), err)
		return f
	}
	for _, file := range []struct {
		name string
		text []byte
	}{{modelConfig, config}, {generationConfig, text}} { // where both have tasks, those of the later one count
		if file.text == nil {
			continue
		}
		tasks, err := readTasks(file.text)
		if err != nil {
			f.err = fmt.Errorf("model: %s: task_specific_params: %w", filepath.Join(dir, file.name), err)
			return f
		}
		if len(tasks) > 0 {
			f.tasks = tasks
		}
	}
	return f
}

// files adds a generation_config.json that says what was read, with the tasks, which this program reads there. An earlier one there has the
// ends.
func (f searchFiles) files(all map[string][]byte) error {
	if f.err != nil {
		return f.err
	}
	keys := map[string]any{}
	for name, value := range f.general.Keys {
		keys[name] = value
	}
	if text := all[generationConfig]; text != nil {
		if err := json.Unmarshal(text, &keys); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	tasks := map[string]map[string]any{}
	for name, t := range f.tasks {
		settings := map[string]any{"prefix": t.prefix}
		if err := json.Unmarshal(t.settings, &settings); err != nil {
			return fmt.Errorf("model: %w", err)
		}
		tasks[name] = settings
	}
	if len(tasks) > 0 {
		keys["task_specific_params"] = tasks
	}
	if len(keys) == 0 {
		return nil
	}
	text, err := json.Marshal(keys)
	all[generationConfig] = text
	return err
}

// readOptional reads a file; nil: there is none.
func readOptional(path string) ([]byte, error) {
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return text, nil
}

// readTasks reads the tasks of a file.
func readTasks(config []byte) (map[string]task, error) {
	var keys struct {
		Tasks map[string]map[string]json.RawMessage `json:"task_specific_params"`
	}
	if err := json.Unmarshal(config, &keys); err != nil {
		return nil, err
	}
	all := map[string]task{}
	for name, settings := range keys.Tasks {
		var t task
		if prefix, ok := settings["prefix"]; ok {
			if err := json.Unmarshal(prefix, &t.prefix); err != nil {
				return nil, fmt.Errorf("%s: prefix: found %.60s, expected a text", name, prefix)
			}
			delete(settings, "prefix")
		}
		var err error
		if t.settings, err = json.Marshal(settings); err != nil {
			return nil, err
		}
		all[name] = t
	}
	return all, nil
}

// SearchSettings are the settings of a search that came with the model: of generation_config.json, or where a folder has none of
// config.json. A model without such files has the defaults. Its ends are those of [Model.Ends] where the files name none.
//
// Of a task, such as summarization, they are those of task_specific_params over the others, with the prefix that the task puts before a
// text. The tasks are those of generation_config.json, or else of config.json. It returns an error for a file that cannot be read.
func (m *Model) SearchSettings(name string) (s beam.Settings, prefix string, err error) {
	if m.settings.err != nil {
		return s, "", m.settings.err
	}
	s = m.settings.general
	if !m.settings.read {
		s = beam.DefaultSettings()
	}
	s.Notes = slices.Clone(s.Notes)
	if t, ok := m.settings.tasks[name]; ok {
		if err := s.Read(t.settings); err != nil {
			return s, "", fmt.Errorf("model: task_specific_params of %s: %w", name, err)
		}
		prefix = t.prefix
	}
	if t := m.answers.Target; t != nil && s.ForcedFirst == nil && s.ForcedLast == nil { // of a folder without these files
		s.ForcedFirst, s.ForcedLast = t.First, t.Last
	}
	if s.Ends == nil {
		s.Ends, err = m.Ends()
	}
	return s, prefix, err
}
