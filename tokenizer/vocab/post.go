package vocab

// postProcessor is the component that puts special tokens around a text.
type postProcessor struct {
	Type          string               `json:"type"`
	Single        []templatePart       `json:"single"`
	Pair          []templatePart       `json:"pair"`
	SpecialTokens map[string]standsFor `json:"special_tokens"`
}

// templatePart is a part of a template: a special token or a text.
type templatePart struct {
	SpecialToken *place `json:",omitempty"`
	Sequence     *place `json:",omitempty"`
}

// place is the name of a special token or of a text, and the number of the text it belongs to.
type place struct {
	ID     string `json:"id"`
	TypeID int    `json:"type_id"`
}

// standsFor is what a special token of a template stands for.
type standsFor struct {
	ID     string   `json:"id"`
	IDs    []int    `json:"ids"`
	Tokens []string `json:"tokens"`
}

// postProcessor returns the component, nil for the template Plain.
func (v *Vocabulary) postProcessor() *postProcessor {
	before, after := v.config.Template.roles()
	if before == "" {
		return nil
	}
	p := &postProcessor{Type: "TemplateProcessing", SpecialTokens: map[string]standsFor{}}
	special := func(r Role, typeID int) []templatePart {
		name, ok := v.config.role(r)
		if !ok {
			return nil
		}
		for id, s := range v.config.specials() {
			if s.Token == name {
				p.SpecialTokens[name] = standsFor{name, []int{id}, []string{name}}
			}
		}
		return []templatePart{{SpecialToken: &place{name, typeID}}}
	}
	text := func(name string, typeID int) templatePart { return templatePart{Sequence: &place{name, typeID}} }
	p.Single = append(append(special(before, 0), text("A", 0)), special(after, 0)...)
	second := special(before, 1)
	if v.config.Template == Encoder {
		second = nil // of a pair, the token between the texts also begins the second
	}
	p.Pair = append(p.Single[:len(p.Single):len(p.Single)], second...)
	p.Pair = append(append(p.Pair, text("B", 1)), special(after, 1)...)
	return p
}
