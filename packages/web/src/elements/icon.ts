// The few pictograms of the pages, drawn here so that no icon font has to be loaded. Decorative: texts say the same.
import { html, svg, type TemplateResult } from 'lit';

const paths = {
  eye: svg`<path d="M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12Z"/><circle cx="12" cy="12" r="3"/>`,
  'eye-off': svg`<path d="M3 3l18 18M10.6 5.6A10 10 0 0 1 12 5.5c6.5 0 10 6.5 10 6.5a17 17 0 0 1-3.3 3.9M6.6 7.2A16.5 16.5 0 0 0 2 12s3.5 6.5 10 6.500a9.6 9.6 0 0 0 4.9-1.400M9.9 9.900a3 3 0 0 0 4.2 4.2"/>`,
  shield: svg`<path d="M12 3l7.5 3v5.500c0 4.5-3.2 8-7.5 9.5-4.3-1.5-7.5-5-7.5-9.500V6L12 3Z"/><path d="M8.8 12l2.3 2.3 4.3-4.5"/>`,
  phone: svg`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.500h2"/>`,
  list: svg`<rect x="3.5" y="3.5" width="17" height="17" rx="2.5"/><path d="M7.5 8.500h.01M7.5 12h.01M7.5 15.500h.01M11 8.500h5.500M11 12h5.500M11 15.500h5.5"/>`,
  key: svg`<circle cx="8" cy="15.5" r="4.5"/><path d="M11.3 12.2 20 3.500M16 7.500l3 3M13.5 10l2 2"/>`,
  mail: svg`<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M3.5 7.5 12 13l8.5-5.5"/>`,
  check: svg`<path d="M4.5 12.500l5 5L19.5 7"/>`,
  cross: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  info: svg`<circle cx="12" cy="12" r="9"/><path d="M12 11v5.500M12 7.500h.01"/>`,
  warning: svg`<path d="M12 3.5 2.5 20h19L12 3.500Z"/><path d="M12 10v4.500M12 17.300h.01"/>`,
  denied: svg`<circle cx="12" cy="12" r="9"/><path d="M5.7 5.700l12.6 12.6"/>`,
  copy: svg`<rect x="8.5" y="8.5" width="12" height="12" rx="2"/><path d="M15.5 8.500v-3a2 2 0 0 0-2-2h-8a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h3"/>`,
  download: svg`<path d="M12 3.500v12M7 11l5 5 5-5M4 20.500h16"/>`,
  upload: svg`<path d="M12 16V4M7 8.500l5-5 5 5M4 20.500h16"/>`,
  right: svg`<path d="M9 5l7 7-7 7"/>`,
  out: svg`<path d="M9 4H5.500a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2H9M16 16.500l4.5-4.500L16 7.500M20 12H9"/>`,
  search: svg`<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5 21 21"/>`,
  trash: svg`<path d="M4 6.500h16M9.5 6V3.500h5V6M6 6.500l1 14h10l1-14M10 10.500v6M14 10.500v6"/>`,
  pencil: svg`<path d="M4 20l1-4.500L16.500 4a2.1 2.1 0 0 1 3 0l.5.500a2.1 2.1 0 0 1 0 3L8.500 19 4 20ZM14.500 6l3.500 3.500"/>`,
  replace: svg`<path d="M4 9a8.500 8.500 0 0 1 15-2.500M20 3v4.500h-4.500M20 15a8.500 8.500 0 0 1-15 2.500M4 21v-4.500h4.500"/>`,
  user: svg`<circle cx="12" cy="8" r="4.5"/><path d="M3.5 21c.8-4.3 4.3-6.5 8.5-6.500s7.7 2.2 8.5 6.5"/>`,
  users: svg`<circle cx="9" cy="8.5" r="4"/><path d="M1.5 20c.7-3.8 3.8-5.7 7.5-5.700s6.8 1.9 7.5 5.700M15.5 4.800a4 4 0 0 1 0 7.400M18 14.800c2.5.7 4.1 2.5 4.5 5.2"/>`,
  apps: svg`<rect x="3.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.5"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.5"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.5"/>`,
  server: svg`<rect x="3" y="4" width="18" height="6.5" rx="1.5"/><rect x="3" y="13.5" width="18" height="6.5" rx="1.5"/><path d="M7 7.300h.01M7 16.800h.01"/>`,
  image: svg`<rect x="3" y="4" width="18" height="16" rx="2"/><circle cx="8.5" cy="9.5" r="1.8"/><path d="M3.5 17.5 9 13l3.5 3 3.5-4 4.5 5"/>`,
  bell: svg`<path d="M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15l1.500-2ZM10 20.500a2 2 0 0 0 4 0"/>`,
  clock: svg`<circle cx="12" cy="12" r="9"/><path d="M12 6.500V12l4 2.5"/>`,
  wifi: svg`<path d="M2.5 9.500a14 14 0 0 1 19 0M5.7 13a9.3 9.3 0 0 1 12.6 0M9 16.300a4.5 4.5 0 0 1 6 0M12 19.500h.01"/>`,
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): TemplateResult {
  return html`<svg
    class="gh-icon"
    viewBox="0 0 24 24"
    width="1em"
    height="1em"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    ${paths[name]}
  </svg>`;
}
