package summarize

import (
	"context"
	"math"
)

// The recipe of the models of terms and pairs. Their mean losses have no class to balance, so that their probabilities are calibrated.
const (
	weighHidden = 32
	weighEpochs = 6
	weighLR     = 0.01
	weighOdds   = -2.5 // that the networks start from
	// scoreParts is the number of parts of the documents. Each part is scored by a network that has learned from the others, so that terms
	// learn from scores as they are of documents that the scorer does not know.
	scoreParts  = 5
	scoreEpochs = 4
	// priorParts is the same for priors.
	priorParts = 8
	// priorWeight is the number of documents that a prior has beside those with the gram.
	priorWeight = 5
)

// learnImportance trains the models of terms and of pairs. It returns the importance of each document as the models see documents that they
// do not know: by scores and priors of the other parts. Models that learn from importance learn from these.
func (m *Features) learnImportance(ctx context.Context, all []prepared, o TrainOptions) ([]*Importance, error) {
	around := make([]*surroundings, len(all))
	for part := range scoreParts {
		if err := m.scorePart(ctx, all, around, part, o); err != nil {
			return nil, err
		}
	}
	importance := make([]*Importance, len(all))
	for i, s := range around {
		importance[i] = newImportance(s.text, o.Words)
	}
	var err error
	for _, k := range []struct {
		kind *gramKind
		to   **weigher
	}{{termKind, &m.terms}, {pairKind, &m.pairs}} {
		if *k.to, err = learnGrams(ctx, k.kind, all, around, importance, o); err != nil {
			return nil, err
		}
	}
	return importance, nil
}

// scorePart scores the documents of a part by a network that has learned from the other documents. A single document scores itself.
func (m *Features) scorePart(ctx context.Context, all []prepared, around []*surroundings, part int, o TrainOptions) error {
	var others []prepared
	for i, p := range all {
		if i%scoreParts != part || len(all) == 1 {
			others = append(others, p)
		}
	}
	n := newNetwork("", o.widths(), dropoutRate, o.Seed)
	f := o.fitting()
	f.epochs = min(o.Epochs, scoreEpochs)
	if _, _, err := fit(ctx, &networkLearner{network: n, samples: samples(others)}, f); err != nil {
		return err
	}
	for i := part; i < len(all); i += scoreParts {
		some, err := n.scores(all[i].x, o.Threads)
		if err != nil {
			return err
		}
		t := all[i].text
		scores, k := make([]float32, len(t.Sentences)), 0
		for j, s := range t.Sentences {
			if s.Candidate {
				scores[j] = some[k]
				k++
			}
		}
		listed, err := t.listed(ctx, t.standardise(scores), Budget{Words: o.Words})
		if err != nil {
			return err
		}
		around[i] = t.surround(scores, listed, o.Words)
	}
	return nil
}

// learnGrams trains the model of a kind of grams, and adds what it finds to the importance of each document.
func learnGrams(ctx context.Context, k *gramKind, all []prepared, around []*surroundings, importance []*Importance,
	o TrainOptions) (*weigher, error) {
	w := &weigher{kind: k}
	samples, rows := make([]sample, len(all)), make([][]gramRow, len(all))
	for i, s := range around {
		samples[i].scale = 1
		rows[i], samples[i].x = s.rows(k, importance[i])
		samples[i].targets = s.text.hits(rows[i], all[i].example.reference())
	}
	w.learnPrior(rows, samples)
	var x [][]float32
	for i := range samples {
		x = append(x, samples[i].x)
	}
	w.mean, w.scale = learnScale(x, k.width())
	for _, values := range x {
		standardise(values, w.mean, w.scale)
	}
	w.network = newNetwork(k.name, []int{k.width(), weighHidden, 1}, 0, o.Seed)
	w.network.params[3].Value.F32[0] = weighOdds
	_, _, err := fit(ctx, &networkLearner{network: w.network, samples: samples}, fitting{seed: o.Seed, epochs: weighEpochs, lr: weighLR,
		warmup: warmupSteps, decay: weightDecay, threads: o.Threads})
	if err != nil {
		return nil, err
	}
	for i := range samples {
		p, err := w.probabilities(samples[i].x, o.Threads)
		if err != nil {
			return nil, err
		}
		importance[i].set(rows[i], p)
	}
	return w, nil
}

// hits reports of each row whether the reference has the gram more often than its level.
func (t *Text) hits(rows []gramRow, reference string) []float32 {
	count, out := countGrams(reference), make([]float32, len(rows))
	for i, r := range rows {
		out[i] = indicator(count[t.name(r.gram)] > r.level)
	}
	return out
}

// learnPrior counts hits by bucket, and gives each sample the priors of the other parts.
func (w *weigher) learnPrior(rows [][]gramRow, samples []sample) {
	var hits, grams [priorParts + 1][]float64 // of each part, and of all
	for part := range hits {
		hits[part], grams[part] = make([]float64, w.kind.buckets), make([]float64, w.kind.buckets)
	}
	sum, n := 0.0, 0.0
	for i := range rows {
		for j, r := range rows[i] {
			target := float64(samples[i].targets[j])
			for _, part := range []int{i % priorParts, priorParts} {
				hits[part][r.bucket] += target
				grams[part][r.bucket]++
			}
			sum, n = sum+target, n+1
		}
	}
	mean := (sum + 1) / (n + 2)
	share := func(hits, grams float64) uint8 { return quantised((hits + priorWeight*mean) / (grams + priorWeight)) }
	w.prior = make(prior, w.kind.buckets)
	for b := range w.prior {
		w.prior[b] = share(hits[priorParts][b], grams[priorParts][b])
	}
	for i := range rows {
		part, x := i%priorParts, samples[i].x
		others := make(prior, 1)
		for j, r := range rows[i] {
			others[0] = share(hits[priorParts][r.bucket]-hits[part][r.bucket], grams[priorParts][r.bucket]-grams[part][r.bucket])
			x[j*w.kind.width()+priorColumn] = float32(others.of(0))
		}
	}
}

// learnScale computes the mean of each of some features, and 1/standard deviation.
func learnScale(all [][]float32, width int) (mean, scale []float32) {
	sum, squares, n := make([]float64, width), make([]float64, width), 0.0
	for _, x := range all {
		for i, v := range x {
			sum[i%width] += float64(v)
			squares[i%width] += float64(v) * float64(v)
		}
		n += float64(len(x) / width)
	}
	mean, scale = make([]float32, width), make([]float32, width)
	for k := range sum {
		m := sum[k] / n
		mean[k], scale[k] = float32(m), 1
		if variance := squares[k]/n - m*m; variance > 1e-12 {
			scale[k] = float32(1 / math.Sqrt(variance))
		}
	}
	return mean, scale
}
