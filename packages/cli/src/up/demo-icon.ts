// The picture of the demo site, uploaded like anybody's at the first start: a gate.

export const demoIconName = 'demo-site.svg';

export const demoIcon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <rect x="4" y="4" width="56" height="56" rx="12" fill="#1f6f63"/>
  <path d="M14 52V28a18 18 0 0 1 36 0v24h-8V28a10 10 0 0 0-20 0v24z" fill="#f4efe2"/>
  <circle cx="32" cy="40" r="5" fill="#f2b84b"/>
</svg>
`;
