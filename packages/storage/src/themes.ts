// Theme variants of a value (files.md §7.1): the placeholder, anywhere and any number of times.

export const themePlaceholder = '%(theme)s';
export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];
export type ThemedUrls = Readonly<Record<Theme, string>>;

/** The value with the theme put in, per theme, or `undefined` where there is no placeholder. */
export function themedValues(value: string): Readonly<Record<Theme, string>> | undefined {
  if (!value.includes(themePlaceholder)) return undefined;
  return { light: value.replaceAll(themePlaceholder, 'light'), dark: value.replaceAll(themePlaceholder, 'dark') };
}
