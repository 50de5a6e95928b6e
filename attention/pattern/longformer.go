package pattern

// Longformer is Window(w) | Global(positions...): the attention of Beltagy et al. 2020, arXiv:2004.05150, whose
// attention_window is 2w. With no positions it is Window(w). Its text form is that of its parts; Parse also reads
// "longformer(w, position, …)".
func Longformer(w int, positions ...int) Pattern {
	if len(positions) == 0 {
		return Window(w)
	}
	return Or(Window(w), Global(positions...))
}

var longformerForm = form{name: "longformer", params: []string{"w"}, required: 1, rest: "position", runs: true,
	about: "window(w) | global(position, …)",
	build: func(a arguments) Pattern {
		if len(a.rest) == 0 {
			return Window(a.int(0, 0))
		}
		return Or(Window(a.int(0, 0)), globalSpans(a.spans()))
	}}
