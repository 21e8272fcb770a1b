// Entry `@gatehouse/proxy/recipes`. Users: test/interop, packages/cli.
export { exampleSite, identityHeaderNames, type RecipeName, type RecipeSite, recipes } from './recipe.ts';
