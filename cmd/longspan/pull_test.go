package main

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/hubtest"
)

// someHub is a hub with the repos of the scripts.
func someHub(t testing.TB) *hubtest.Hub {
	t.Helper()
	h := hubtest.New(t)
	h.Add("org/encoder", "main", map[string]string{
		"README.md": "# an encoder", "config.json": "{}", "vocab.txt": "a\n", "1_Pooling/config.json": "{}",
		"model.safetensors": strings.Repeat("w", 2048), "onnx/model.onnx": "x", "\x1b[2Jbad": "x",
	})
	h.Add("org/encoder", "v1", map[string]string{"config.json": "[1]", "model.safetensors": "first"})
	h.Add("org/quantised", "main", map[string]string{"README.md": "# GGUF", "m-Q4_K_M.gguf": strings.Repeat("4", 1024), "m-Q8_0.gguf": "8"})
	h.Add("org/gated", "main", map[string]string{"config.json": "{}"})
	h.Gate("org/gated", "hf_right", "GatedRepo")
	return h
}

// useHub makes the tool use a hub and a cache, whatever the variables of the tests say.
func useHub(t *testing.T, h *hubtest.Hub, cache string) {
	t.Helper()
	for name, value := range map[string]string{
		"HF_ENDPOINT": h.URL, "HF_HUB_CACHE": cache, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "HF_HUB_DISABLE_SYMLINKS": "0",
	} {
		t.Setenv(name, value)
	}
}
