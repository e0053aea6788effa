// The recommended rules, for what runs on a page; the names that each file gives the others are globals to them.
import js from "@eslint/js";
import globals from "globals";

const shared = [
  "bytes", "canvas", "finder", "lossOf", "picture", "readPhoto", "templateColour", "templates", "trainer", "within",
];

export default [
  js.configs.recommended,
  {
    languageOptions: {
      sourceType: "script",
      globals: { ...globals.browser, ...Object.fromEntries(shared.map((name) => [name, "readonly"])) },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { "no-redeclare": ["error", { builtinGlobals: false }], "no-unused-vars": ["error", { vars: "local" }], "prefer-const": "error" },
  },
];
