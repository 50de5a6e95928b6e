package gguf

import "fmt"

// pairing is how two texts are put together.
type pairing int

const (
	chained     pairing = iota // one after the other, each with its beginning and end
	bertPair                   // the second has no beginning
	robertaPair                // the second begins with the token that ends a text, if it has a beginning
)

func (v *vocabulary) pairing() pairing {
	switch v.model {
	case "bert":
		return bertPair
	case "t5":
		return robertaPair
	}
	return v.pre.pairing
}

// template is the post-processor that adds tokens around a text and between two.
func template(v *vocabulary, s SpecialTokens) (any, error) {
	begin, end := None, None
	if s.AddBOS {
		if begin = s.BOS; begin == None {
			return nil, fmt.Errorf("a text is said to begin with a token, and %sbos_token_id does not say which", tokenizerPrefix)
		}
	}
	if s.AddEOS {
		end = s.EOS
		if v.pairing() == bertPair && s.Separator != None {
			end = s.Separator
		}
		if end == None {
			return nil, fmt.Errorf("a text is said to end with a token, and %seos_token_id does not say which", tokenizerPrefix)
		}
	}
	if begin == None && end == None {
		return nil, nil
	}
	return templateOf(v, begin, end), nil
}

// templateOf is the post-processor for the tokens begin and end, of which one may be None.
func templateOf(v *vocabulary, begin, end int) part {
	used := part{}
	text := func(name string, typeID, begin, end int) (list []part) {
		token := func(id int) {
			if id == None {
				return
			}
			token := v.tokens[id]
			used[token] = part{"id": token, "ids": []int{id}, "tokens": []string{token}}
			list = append(list, part{"SpecialToken": part{"id": token, "type_id": typeID}})
		}
		token(begin)
		list = append(list, part{"Sequence": part{"id": name, "type_id": typeID}})
		token(end)
		return list
	}
	first := text("A", 0, begin, end)
	var second []part
	switch {
	case v.pairing() == chained:
		second = text("B", 1, begin, end)
	case v.pairing() == bertPair:
		second = text("B", 1, None, end)
	case begin == None:
		second = text("B", 0, None, end)
	default:
		second = text("B", 0, end, end)
	}
	pair := append(append([]part{}, first...), second...)
	return part{"type": "TemplateProcessing", "single": first, "pair": pair, "special_tokens": used}
}
