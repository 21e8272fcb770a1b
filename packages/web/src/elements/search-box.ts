// A search that asks the server once the typing pauses.
import { html, type TemplateResult } from 'lit';
import { icon } from './icon.ts';

const pauseMs = 250;

export function searchBox(label: string, search: (text: string) => void): TemplateResult {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const typed = ({ target }: Event) => {
    clearTimeout(waiting);
    if (target instanceof HTMLInputElement) waiting = setTimeout(() => search(target.value.trim()), pauseMs);
  };
  return html`<span class="gh-search">
    ${icon('search')}<input type="search" aria-label=${label} placeholder="Search" @input=${typed} />
  </span>`;
}
