package beam

// topK keeps the k largest of the scores that are offered, by falling score; of equal ones the first offered comes first. Few are kept of
// many, so that most scores cost a comparison.
type topK struct {
	k      int
	scores []float32
	at     []int // what the scores are of
}

func (t *topK) offer(score float32, at int) {
	n := len(t.scores)
	if n == t.k {
		if !(score > t.scores[n-1]) {
			return
		}
		n--
	} else {
		t.scores, t.at = append(t.scores, 0), append(t.at, 0)
	}
	for ; n > 0 && score > t.scores[n-1]; n-- {
		t.scores[n], t.at[n] = t.scores[n-1], t.at[n-1]
	}
	t.scores[n], t.at[n] = score, at
}
