package vocab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/internal/random"
)

// Counts is the words of documents: the pieces that no token crosses, with their counts.
type Counts struct {
	Documents int   // that were read
	Bytes     int64 // of them, held-out text included
	cut       cutting
	table     table
	held      []block
}

// cutting is what the words of a text depend on.
type cutting struct {
	kind       Kind
	normalizer Normalization
	lower      bool
}

func (c Config) cutting() cutting {
	if c.Kind == Unigram && c.Normalizer == "" {
		c.Normalizer = NFKC
	}
	return cutting{c.Kind, c.Normalizer, c.LowerCase}
}

// Words is the number of different words.
func (c *Counts) Words() int { return len(c.table.words) }

// HeldOut is the number of bytes that were held out.
func (c *Counts) HeldOut() (n int64) {
	for _, b := range c.held {
		n += int64(len(b.text))
	}
	return n
}

// maxHeld is the largest number of blocks that are held out: 8 MiB. Text behind them is learned from.
const maxHeld = 8 << 20 / blockBytes

// round is the number of blocks that are counted at a time.
const round = 128

// Count reads documents and counts their words. A document must be UTF-8; the sequence gives it a reader, or an error that ends the
// reading. Each document is read before the next is asked for. Errors name a reader that is a fmt.Stringer, and number another.
//
// The memory is that of the different words and of a few blocks, whatever the size of the documents. The cost is linear in their bytes.
func Count(ctx context.Context, documents iter.Seq2[io.Reader, error], c Config) (*Counts, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	k := &counter{config: c, tables: make([]table, pool.Threads(c.Threads)), result: &Counts{cut: c.cutting()}}
	cut := cutter{largest: maxBlock, emit: func(b block) error { return k.take(ctx, b) }}
	for document, err := range documents {
		if err != nil {
			return nil, err
		}
		if err := cut.document(document); err != nil {
			return nil, fmt.Errorf("vocab: %s: %w", nameOf(document, k.result.Documents+1), err)
		}
		k.result.Documents++
	}
	if err := errors.Join(cut.end(0), k.count(ctx)); err != nil {
		return nil, err
	}
	return k.finish()
}

// nameOf names a document in errors.
func nameOf(document io.Reader, number int) string {
	if s, ok := document.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("document %d", number)
}

// counter counts the words of blocks.
type counter struct {
	config Config
	result *Counts
	blocks []block // read, and not counted yet
	number uint64  // of the next block
	tables []table // by worker
}

// take takes the next block: to count it, or to hold it out.
func (k *counter) take(ctx context.Context, b block) error {
	k.result.Bytes += int64(len(b.text))
	number := k.number
	k.number++
	if k.holds(number) && len(k.result.held) < maxHeld {
		k.result.held = append(k.result.held, b)
		return nil
	}
	if k.blocks = append(k.blocks, b); len(k.blocks) < round {
		return nil
	}
	return k.count(ctx)
}

// holds says whether a block is held out. One of the first four is, so that small documents have some.
func (k *counter) holds(number uint64) bool {
	n := uint64(k.config.HoldOut)
	return n > 0 && number%n == random.Mix(k.config.Seed)%min(n, 4)
}

// count counts the words of the blocks that were read.
func (k *counter) count(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	split := make([]*splitter, len(k.tables))
	pool.Run(len(k.tables), len(k.blocks), func(worker, i int) {
		if split[worker] == nil {
			split[worker] = newSplitter(k.config)
		}
		t := &k.tables[worker]
		split[worker].block(k.blocks[i], func(piece []byte) { t.add(piece, 1) })
	})
	k.blocks = k.blocks[:0]
	if k.config.Progress != nil {
		k.config.Progress(Reading, k.result.Bytes, 0)
	}
	return k.fits()
}

// fits checks the memory of the tables, and of the training behind them: for each byte of the different words, BPE has a symbol, its place
// in lists, and its share of the pairs. Unigram has a suffix, its share of the substrings, and sums for each shard.
func (k *counter) fits() error {
	perByte := int64(40)
	if k.config.Kind == Unigram {
		perByte = 80
	}
	need := int64(0)
	for i := range k.tables {
		need += k.tables[i].bytes() + perByte*int64(len(k.tables[i].text))
	}
	if k.config.Memory > 0 && need > k.config.Memory {
		return &memory.Error{What: fmt.Sprintf("learning from the different words of the first %s of text", memory.Format(k.result.Bytes)),
			Need: need, Available: k.config.Memory, Advice: "name fewer files"}
	}
	return nil
}

// finish merges the tables of the workers.
func (k *counter) finish() (*Counts, error) {
	all := &k.tables[0]
	for i := range k.tables[1:] {
		all.merge(&k.tables[1+i])
		k.tables[1+i] = table{}
	}
	if len(all.words) == 0 {
		return nil, fmt.Errorf("vocab: found no text to learn from in %d documents of %d bytes", k.result.Documents, k.result.Bytes)
	}
	all.sort()
	k.result.table = *all
	return k.result, nil
}
