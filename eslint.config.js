import tseslint from "typescript-eslint";

/** What lets a process end while something is still awaited. */
const MUST_KEEP_ALIVE = [
  "CallExpression[callee.property.name='unref']",
  "Property[key.name='ref'] > Literal[value=false]",
].map((selector) => ({
  selector,
  message: "What is awaited must keep the process alive. Where nothing awaits this, disable the rule and say why.",
}));

/** Private members have one style: TypeScript's `private`. */
const ONE_PRIVATE = [
  { selector: "PrivateIdentifier", message: "Write `private name`, as everywhere here, and not `#name`." },
];

/** What would make a floor give another answer to the same question at another time. */
const IMPURE = [
  "NewExpression[callee.name='Date'][arguments.length=0]",
  "MemberExpression[object.name='Date'][property.name='now']",
  "MemberExpression[object.name='Math'][property.name='random']",
  "Identifier[name=/^(performance|setTimeout|setInterval|setImmediate|queueMicrotask|Promise)$/]",
  "AwaitExpression",
  ":function[async=true]",
].map((selector) => ({
  selector,
  message:
    "Below executor/ nothing asks for the time, waits, or is random: the same inputs give the same commands. Take it as an argument, or as an input of the machine.",
}));

export default tseslint.config(
  { ignores: ["dist/", "node_modules/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["./tsconfig.json", "./src/views/page/browser/tsconfig.json"] } },
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
      "no-restricted-syntax": ["error", ...ONE_PRIVATE],
      // `const { type: _, ...rest }` is how a key is left out.
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$", ignoreRestSiblings: true }],
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", ...ONE_PRIVATE, ...MUST_KEEP_ALIVE],
    },
  },
  {
    files: ["src/{domain,planner,rollout}/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", ...ONE_PRIVATE, ...MUST_KEEP_ALIVE, ...IMPURE] },
  },
  {
    files: ["test/**/*.ts"],
    // mocha runs what describe() and it() return.
    rules: { "no-console": "off", "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
