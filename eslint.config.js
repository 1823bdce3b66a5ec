import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["./tsconfig.json", "./src/views/picture/page/tsconfig.json"] } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      // Numbers are what most of our messages are about.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `void stream.write(…)` and arrow functions that return what they call read well.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "no-console": "error",
      eqeqeq: "error",
      // `const { type: _, ...rest }` is how a key is left out.
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$", ignoreRestSiblings: true }],
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...["CallExpression[callee.property.name='unref']", "Property[key.name='ref'] > Literal[value=false]"].map(
          (selector) => ({
            selector,
            message:
              "What is awaited must keep the process alive. Where nothing awaits this, disable the rule and say why.",
          }),
        ),
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    // mocha runs what describe() and it() return.
    rules: { "no-console": "off", "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
