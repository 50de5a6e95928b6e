package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

// ggufFamilies are the architectures of GGUF files that are read: the model_type and the class of the same model in Hugging Face's form.
var ggufFamilies = map[string]struct{ modelType, class string }{
	"llama":  {"llama", "LlamaForCausalLM"},
	"qwen2":  {"qwen2", "Qwen2ForCausalLM"},
	"qwen3":  {"qwen3", "Qwen3ForCausalLM"},
	"gemma3": {"gemma3_text", "Gemma3ForCausalLM"},
}

// OpenGGUF describes the checkpoint of a GGUF file. Its elements are widened when the weights are loaded. The file stays open until
// Weights.Close.
func OpenGGUF(path string, o Options) (*Checkpoint, *gguf.File, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, nil, err
	}
	k, err := describeGGUF(path, f, o)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("hf: %s: %w", path, err), f.Close())
	}
	return k, f, nil
}

func describeGGUF(path string, f *gguf.File, o Options) (*Checkpoint, error) {
	m, err := newMetadata(f)
	if err != nil {
		return nil, err
	}
	config := m.config()
	notes := m.unread()
	text, err := json.Marshal(config)
	if err := errors.Join(m.err, err); err != nil {
		return nil, err
	}
	c, err := parseConfig(path, text)
	if err != nil {
		return nil, err
	}
	c.normsHaveOne, c.notes = m.arch == "gemma3", notes
	return c.describe(path, m.tensors(), o)
}

// metadata reads the hyper-parameters of a GGUF file as a config.json has them. Its methods keep the first error.
type metadata struct {
	f      *gguf.File
	arch   string
	layers int
	heads  int
	kv     int // key/value heads
	err    error
	read   map[string]bool // keys of the architecture that were read
}

func newMetadata(f *gguf.File) (*metadata, error) {
	arch, err := f.Architecture()
	if err != nil {
		return nil, err
	}
	if _, ok := ggufFamilies[arch]; !ok {
		return nil, fmt.Errorf("found the architecture %q, expected llama, qwen2, qwen3 or gemma3", arch)
	}
	m := &metadata{f: f, arch: arch, read: map[string]bool{}}
	if kind, err := f.String("general.type"); err == nil && kind != "model" {
		return nil, fmt.Errorf("general.type: found %q, expected model: this file is not a model by itself", kind)
	}
	m.layers, m.heads = m.integer("block_count"), m.integer("attention.head_count")
	m.kv = m.heads
	if m.has("attention.head_count_kv") {
		m.kv = m.integer("attention.head_count_kv")
	}
	return m, m.err
}

func (m *metadata) key(name string) string { return m.arch + "." + name }

func (m *metadata) has(name string) bool {
	m.read[m.key(name)] = true
	return m.f.Has(m.key(name))
}

// integer reads a whole number that must be there.
func (m *metadata) integer(name string) int {
	m.read[m.key(name)] = true
	v, err := m.f.Int(m.key(name))
	m.err = errors.Join(m.err, err)
	if v < 0 || v > math.MaxInt32 {
		m.err = errors.Join(m.err, fmt.Errorf("%s: found %d, expected 0 to %d", m.key(name), v, math.MaxInt32))
		return 0
	}
	return int(v)
}

func (m *metadata) number(name string) float64 {
	m.read[m.key(name)] = true
	v, err := m.f.Float(m.key(name))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		err = fmt.Errorf("%s: found %g, expected a finite number", m.key(name), v)
	}
	m.err = errors.Join(m.err, err)
	if err != nil {
		return 1
	}
	return v
}

// config is the config.json of the model.
func (m *metadata) config() map[string]any {
	family := ggufFamilies[m.arch]
	width := m.integer("embedding_length")
	c := map[string]any{
		"model_type": family.modelType, "architectures": []string{family.class},
		"hidden_size": width, "num_hidden_layers": m.layers, "num_attention_heads": m.heads, "num_key_value_heads": m.kv,
		"intermediate_size": m.integer("feed_forward_length"), "max_position_embeddings": m.integer("context_length"),
		"rms_norm_eps": m.number("attention.layer_norm_rms_epsilon"), "vocab_size": m.vocabulary(),
		"tie_word_embeddings": !m.hasTensor("output.weight"),
	}
	head := width / max(m.heads, 1)
	if m.has("attention.key_length") {
		head = m.integer("attention.key_length")
	}
	c["head_dim"] = head
	m.checkHead(head)
	m.addRotary(c)
	if m.arch == "gemma3" {
		m.addGemma(c, width, head)
	}
	return c
}

// notComputed are keys that change what a model computes; 0 changes nothing, and neither does the value beside a key.
var notComputed = map[string]float64{"expert_count": 0, "logit_scale": 1, "embedding_scale": 1, "residual_scale": 1, "attention.scale": 0,
	"attention.clamp_kqv": 0, "attn_logit_softcapping": 0, "final_logit_softcapping": 0, "rope.scaling.yarn_log_multiplier": 0,
	"rope.scaling.yarn_beta_fast": 32, "rope.scaling.yarn_beta_slow": 1}

// unread refuses keys of the architecture that change what it computes and that nothing has read, and lists the others as a note.
func (m *metadata) unread() (notes []string) {
	for name, neutral := range notComputed {
		if m.read[m.key(name)] || !m.has(name) {
			continue
		}
		if v := m.number(name); v != 0 && v != neutral {
			m.err = errors.Join(m.err, fmt.Errorf("%s: found %g, expected %g: this program does not compute the other", m.key(name), v, neutral))
		}
	}
	if m.has("attention.causal") {
		if causal, err := m.f.Bool(m.key("attention.causal")); err != nil || !causal {
			m.err = errors.Join(m.err, fmt.Errorf("%s: found %t, expected true: this family is a decoder", m.key("attention.causal"), causal))
		}
	}
	var keys []string
	for _, key := range m.f.Keys() {
		if strings.HasPrefix(key, m.arch+".") && !m.read[key] && key != m.key("vocab_size") {
			keys = append(keys, key)
		}
	}
	if len(keys) > 0 {
		notes = append(notes, "the file has keys that this program does not read: "+strings.Join(keys, ", "))
	}
	return notes
}

// checkHead refuses heads whose values or rotation differ from what the families have.
func (m *metadata) checkHead(head int) {
	for _, name := range []string{"attention.value_length", "rope.dimension_count"} {
		if m.has(name) && m.integer(name) != head {
			m.err = errors.Join(m.err, fmt.Errorf("%s: found %d, expected the columns of a head, %d", m.key(name), m.integer(name), head))
		}
	}
}

// vocabulary is the number of rows of the embedding.
func (m *metadata) vocabulary() int {
	e, ok := m.f.Lookup("token_embd.weight")
	if !ok || len(e.Shape) != 2 {
		m.err = errors.Join(m.err, errors.New(`found no matrix "token_embd.weight", expected the embedding`))
		return 0
	}
	return e.Shape[0]
}

func (m *metadata) hasTensor(name string) bool {
	_, ok := m.f.Lookup(name)
	return ok
}

// addRotary sets the base and the scaling of the rotary encoding.
func (m *metadata) addRotary(c map[string]any) {
	c["rope_theta"] = 10000.0
	if m.has("rope.freq_base") {
		c["rope_theta"] = m.number("rope.freq_base")
	}
	scaling := map[string]any{}
	if m.has("rope.scale_linear") { // of the first files
		scaling["rope_type"], scaling["factor"] = "linear", m.number("rope.scale_linear")
	}
	if m.has("rope.scaling.type") || m.has("rope.scaling.factor") {
		kind := "linear" // llama.cpp's default
		if m.has("rope.scaling.type") {
			var err error
			kind, err = m.f.String(m.key("rope.scaling.type"))
			m.err = errors.Join(m.err, err)
		}
		if kind != "none" {
			scaling["rope_type"], scaling["factor"] = kind, m.number("rope.scaling.factor")
		}
		if m.has("rope.scaling.original_context_length") {
			scaling["original_max_position_embeddings"] = m.integer("rope.scaling.original_context_length")
		}
		if m.has("rope.scaling.attn_factor") && m.number("rope.scaling.attn_factor") != 1 {
			m.err = errors.Join(m.err, fmt.Errorf("%s: found %g, expected 1", m.key("rope.scaling.attn_factor"),
				m.number("rope.scaling.attn_factor")))
		}
	}
	if m.hasTensor(ropeFrequencies) {
		scaling = m.llama3(c["rope_theta"].(float64), c["head_dim"].(int))
	}
	if scaling["rope_type"] != nil {
		c["rope_scaling"] = scaling
	}
}

// addGemma sets what is not in the file: the base of the layers with windows, which layers those are, and the scale of the scores, which
// is by width over heads in the model of 62 layers alone (Gemma Team 2025, arXiv:2503.19786, and llama.cpp).
func (m *metadata) addGemma(c map[string]any, width, head int) {
	c["sliding_window"], c["rope_local_base_freq"], c["sliding_window_pattern"] = m.integer("attention.sliding_window"), 10000.0, 6
	c["query_pre_attn_scalar"] = head
	if m.layers == 62 {
		c["query_pre_attn_scalar"] = width / max(m.heads, 1)
	}
	for _, name := range []string{"attn_logit_softcapping", "final_logit_softcapping"} {
		if m.has(name) && m.number(name) != 0 {
			c[name] = m.number(name)
		}
	}
}

// ropeFrequencies is the tensor by whose elements Llama 3's frequencies are divided.
const ropeFrequencies = "rope_freqs.weight"

// llama3 finds the published scaling that gives the divisors of the file.
func (m *metadata) llama3(base float64, head int) map[string]any {
	e, _ := m.f.Lookup(ropeFrequencies)
	divisors := tensor.New(tensor.F32, 1, head/2)
	if e.Elements() != head/2 {
		m.err = errors.Join(m.err, fmt.Errorf("%s: found %d divisors, expected %d", ropeFrequencies, e.Elements(), head/2))
		return nil
	}
	if err := m.f.ReadMat(divisors, ropeFrequencies); err != nil {
		m.err = errors.Join(m.err, err)
		return nil
	}
	for original := 256.0; original <= 1<<20; original *= 2 { // Llama 3 has 8,192
		for _, factor := range []float64{2, 4, 8, 16, 32, 64} { // Llama 3.1 has 8, 3.2 has 32
			if llama3Divides(divisors.F32, base, original, factor) {
				return map[string]any{"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
					"original_max_position_embeddings": original}
			}
		}
	}
	m.err = errors.Join(m.err, fmt.Errorf("%s: found divisors that Llama 3's scaling does not have, expected these", ropeFrequencies))
	return nil
}

// llama3Divides compares divisors with those of Llama 3's scaling by a factor, for a model first trained on a number of tokens.
func llama3Divides(divisors []float32, base, original, factor float64) bool {
	head := 2 * len(divisors)
	for p, d := range divisors {
		waves := original * math.Pow(base, -float64(2*p)/float64(head)) / (2 * math.Pi)
		between := min(max((waves-1)/3, 0), 1)
		if want := 1 / ((1-between)/factor + between); math.Abs(float64(d)/want-1) > 1e-4 {
			return false
		}
	}
	return true
}

// ggufNames are the ends of names of a layer's tensors: GGUF's, and Hugging Face's.
var ggufNames = map[string]string{
	"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
	"attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
	"ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

// gemmaGGUFNames differ from those.
var gemmaGGUFNames = map[string]string{"ffn_norm": "pre_feedforward_layernorm", "post_attention_norm": "post_attention_layernorm",
	"post_ffw_norm": "post_feedforward_layernorm"}

// tensors are the tensors of the file under Hugging Face's names.
func (m *metadata) tensors() Tensors {
	t := &ggufTensors{m: m, theirs: map[string]string{}}
	for _, e := range m.f.Entries() {
		if e.Name == ropeFrequencies {
			continue
		}
		name := m.rename(e.Name)
		t.names, t.theirs[name] = append(t.names, name), e.Name
	}
	return t
}

// rename is Hugging Face's name of a tensor; names that are not known stay.
func (m *metadata) rename(name string) string {
	switch name {
	case "token_embd.weight":
		return "model.embed_tokens.weight"
	case "output_norm.weight":
		return "model.norm.weight"
	case "output.weight":
		return "lm_head.weight"
	}
	block, rest, ok := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	stem, end, _ := strings.Cut(rest, ".")
	theirs := ggufNames[stem]
	if m.arch == "gemma3" && gemmaGGUFNames[stem] != "" {
		theirs = gemmaGGUFNames[stem]
	}
	if !ok || theirs == "" || !strings.HasPrefix(name, "blk.") {
		return name
	}
	return "model.layers." + block + "." + theirs + "." + end
}

// ggufTensors are [Tensors] of a GGUF file. The rows of Llama's queries and keys are put back into the order of halves.
type ggufTensors struct {
	m      *metadata
	names  []string
	theirs map[string]string // the file's names by Hugging Face's
}

func (t *ggufTensors) Names() []string { return t.names }
func (t *ggufTensors) Close() error    { return t.m.f.Close() }

func (t *ggufTensors) Shape(name string) ([]int, bool) {
	e, ok := t.m.f.Lookup(t.theirs[name])
	return e.Shape, ok
}

// interleaved is the number of heads whose rows are interleaved in a tensor; 0: none are.
func (t *ggufTensors) interleaved(name string) int {
	switch {
	case t.m.arch != "llama":
	case strings.Contains(name, ".q_proj."):
		return t.m.heads
	case strings.Contains(name, ".k_proj."):
		return t.m.kv
	}
	return 0
}

func (t *ggufTensors) View(name string) (tensor.Mat, bool) {
	if t.interleaved(name) > 0 {
		return tensor.Mat{}, false
	}
	return t.m.f.View(t.theirs[name])
}

func (t *ggufTensors) ReadMat(dst tensor.Mat, name string) error {
	if err := t.m.f.ReadMat(dst, t.theirs[name]); err != nil {
		return err
	}
	heads := t.interleaved(name)
	if heads == 0 {
		return nil
	}
	if dst.Rows == 1 { // a bias
		dst = tensor.Mat{Type: dst.Type, Rows: dst.Cols, Cols: 1, Stride: 1, F32: dst.F32, U16: dst.U16}
	}
	return gguf.UnpermuteRows(dst, heads)
}
