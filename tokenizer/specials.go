package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/longspan/longspan/tokenizer/internal/added"
)

// specialTokens are the added tokens of a folder: those of tokenizer.json, and those that the configuration adds.
type specialTokens struct {
	list  []added.Token
	roles map[string]added.Token
	ids   func(name string) (int32, bool)
}

// role returns the token of a role.
func (s *specialTokens) role(name string) (added.Token, bool) {
	t, ok := s.roles[name]
	return t, ok
}

// value is a token in a configuration: its name, or its name with settings.
type value struct {
	added.Token
	named bool // the name alone
}

// readValue reads a token. ok is false for null.
func readValue(raw json.RawMessage) (v value, ok bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return value{}, false, nil
	}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return value{Token: added.Token{Content: name}, named: true}, true, nil
	}
	v.Normalized = true // where the settings do not say
	if err := json.Unmarshal(raw, &v.Token); err != nil || v.Content == "" {
		return value{}, false, fmt.Errorf("the token %s; expected a name, or an object with content", raw)
	}
	return v, true, nil
}

// specialTokens follows how transformers adds the tokens of a configuration to those of tokenizer.json.
func (f *folderFiles) specialTokens(kind class, components object, m *modelFile) (*specialTokens, error) {
	s := &specialTokens{roles: map[string]added.Token{}}
	if raw := components["added_tokens"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &s.list); err != nil {
			return nil, fmt.Errorf("tokenizer.json: the component added_tokens: %w", err)
		}
	}
	settings := maps.Clone(f.config)
	if name := paddingToken(components["padding"]); name != nil && settings["pad_token"] == nil && kind.roles["pad_token"] == "" {
		settings["pad_token"] = name
	}
	said, err := f.declared(s, settings)
	if err != nil {
		return nil, err
	}
	known := map[string]added.Token{} // the tokens with settings that a name stands for
	for _, t := range said {
		known[t.Content] = t
	}
	roleTokens, err := s.readRoles(kind, settings, known)
	if err != nil {
		return nil, err
	}
	s.add(said, roleTokens)
	s.ids = counter(s.list, m)
	return s, nil
}

// declared returns the tokens of added_tokens_decoder. Where the configuration has none, the older files hold: special_tokens_map.json sets
// roles, added_tokens.json has tokens, and the tokens of tokenizer.json stand for themselves.
func (f *folderFiles) declared(s *specialTokens, settings config) (said []added.Token, err error) {
	var decoder map[string]added.Token
	if raw, ok := settings["added_tokens_decoder"]; ok {
		if err := json.Unmarshal(raw, &decoder); err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: added_tokens_decoder: %w", err)
		}
		for id, t := range decoder {
			n, err := strconv.ParseInt(id, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("tokenizer_config.json: added_tokens_decoder has the key %q; expected an id", id)
			}
			t.ID = int32(n)
			said = append(said, t)
		}
		slices.SortFunc(said, func(a, b added.Token) int { return int(a.ID) - int(b.ID) })
		return said, nil
	}
	maps.Copy(settings, f.specials)
	roleNamed := namesOf(settings)
	for name, raw := range f.added {
		var id int32
		if err := json.Unmarshal(raw, &id); err != nil {
			return nil, fmt.Errorf("added_tokens.json: %q has the id %s; expected a whole number", name, raw)
		}
		special := roleNamed[name]
		said = append(said, added.Token{ID: id, Content: name, Normalized: !special, Special: special})
	}
	taken := map[int32]bool{}
	for _, t := range s.list {
		taken[t.ID] = true
	}
	said = slices.DeleteFunc(said, func(t added.Token) bool { return taken[t.ID] })
	said = append(said, s.list...)
	slices.SortFunc(said, func(a, b added.Token) int { return int(a.ID) - int(b.ID) })
	return said, nil
}

// namesOf are the names of the tokens that a configuration gives a role.
func namesOf(settings config) map[string]bool {
	all := settings.list("additional_special_tokens")
	for _, role := range roleNames {
		all = append(all, settings[role])
	}
	names := map[string]bool{}
	for _, raw := range all {
		if v, ok, err := readValue(raw); ok && err == nil {
			names[v.Content] = true
		}
	}
	return names
}

// readRoles returns the tokens with a role in the order of the roles.
func (s *specialTokens) readRoles(kind class, settings config, known map[string]added.Token) (all []value, err error) {
	for _, role := range roleNames {
		v, ok, err := readValue(settings[role])
		if err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: %s is %w", role, err)
		}
		if _, said := settings[role]; !said && kind.roles[role] != "" {
			v, ok = value{Token: added.Token{Content: kind.roles[role]}, named: true}, true
		}
		if !ok {
			continue
		}
		if _, said := settings[role]; said {
			if t, ok := known[v.Content]; ok {
				v = value{Token: t}
			}
		}
		if v.named && role == "mask_token" && kind.mask.lstrip {
			v = value{Token: added.Token{Content: v.Content, LStrip: true, Normalized: kind.mask.normalized}}
		}
		s.roles[role] = v.Token
		all = append(all, v)
	}
	for _, raw := range settings.list("additional_special_tokens") {
		v, ok, err := readValue(raw)
		if err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: additional_special_tokens has %w", err)
		}
		if ok {
			all = append(all, v)
		}
	}
	if kind.extra != nil {
		for _, name := range kind.extra(settings) {
			all = append(all, value{Token: added.Token{Content: name}, named: true})
		}
	}
	return all, nil
}

// add adds tokens that the list does not have with the same settings, and the tokens of roles, which are special. A name without settings
// changes nothing where a token has it.
func (s *specialTokens) add(said []added.Token, roleTokens []value) {
	has, same := map[string]bool{}, map[added.Token]bool{}
	put := func(t added.Token) {
		if t = withoutID(t); !same[t] {
			same[t], has[t.Content] = true, true
			s.list = append(s.list, t)
		}
	}
	all := s.list
	s.list = nil
	for _, t := range all {
		put(t)
	}
	special := map[string]bool{}
	for _, v := range roleTokens {
		special[v.Content] = true
	}
	for _, t := range said {
		if !same[withoutID(t)] {
			t.Special = t.Special || special[t.Content]
			put(t)
		}
	}
	for _, v := range roleTokens {
		if v.named && has[v.Content] {
			continue
		}
		t := v.Token
		t.Special = true
		put(t)
	}
}

// withoutID is a token without its id, which does not tell tokens apart.
func withoutID(t added.Token) added.Token {
	t.ID = 0
	return t
}

// counter gives tokens the ids that they will have.
func counter(list []added.Token, m *modelFile) func(string) (int32, bool) {
	ids := map[string]int32{}
	next := int32(0)
	if m.vocab != nil {
		next = int32(len(m.vocab.IDs))
	}
	unigram := map[string]int32{}
	for id, piece := range m.pieces {
		unigram[piece] = int32(id)
		next = int32(len(unigram))
	}
	model := func(name string) (int32, bool) {
		if m.vocab != nil {
			id, ok := m.vocab.IDs[name]
			return id, ok
		}
		id, ok := unigram[name]
		return id, ok
	}
	for i, t := range list {
		if id, ok := model(t.Content); ok {
			ids[t.Content] = id
		} else if _, ok := ids[t.Content]; !ok && t.Content != "" {
			ids[t.Content] = next
			next++
		}
		list[i].ID = ids[t.Content]
	}
	return func(name string) (int32, bool) {
		if id, ok := ids[name]; ok {
			return id, true
		}
		return model(name)
	}
}

// paddingToken is the token of the padding of a file, which has the role where nothing else says so.
func paddingToken(raw json.RawMessage) json.RawMessage {
	var padding object
	if json.Unmarshal(raw, &padding) != nil {
		return nil
	}
	return padding["pad_token"]
}
