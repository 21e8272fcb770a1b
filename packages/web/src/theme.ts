// Light or dark before the first paint: the brand's choice, else the device's. Loaded as a blocking script of its own, since
// the pages' Content-Security-Policy allows no inline scripts.

const root = document.documentElement;
const device = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const dark = root.dataset['theme'] === 'dark' || (root.dataset['theme'] !== 'light' && device.matches);
  root.classList.toggle('pf-v6-theme-dark', dark);
  root.dataset['shown'] = dark ? 'dark' : 'light';
}

apply();
device.addEventListener('change', apply);

export {};
