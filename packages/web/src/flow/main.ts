// Entry of the flow page, `/if/flow/<slug>/`.
import '../styles/base.css';
import '../styles/flow.css';
import { createApi } from '../call/api.ts';
import { readPageSettings, themed } from '../page-settings.ts';
import { createExecutor } from './executor.ts';
import { FlowPage, setBackground } from './flow-page.ts';
import { stageElements } from './stage-elements.ts';

for (const [name, element] of stageElements) {
  // Two names may share an element; the registry wants a class of its own for each.
  customElements.define(name, customElements.getName(element) === null ? element : class extends element {});
}
customElements.define('gh-flow-page', FlowPage);

const settings = readPageSettings();
const page = new FlowPage();
page.settings = settings;
page.executor = createExecutor(settings.base, settings.flow?.slug ?? '', location.search.slice(1));
if (settings.flow !== undefined) setBackground(themed(settings.flow.background, settings.flow.background_themed_urls));
if (new URLSearchParams(location.search).has('inspector')) await inspect();
document.body.replaceChildren(page);

async function inspect(): Promise<void> {
  const { FlowInspector } = await import('./inspector.ts');
  customElements.define('gh-flow-inspector', FlowInspector);
  page.inspector = new FlowInspector();
  page.inspector.api = createApi(settings.base, () => undefined);
  page.inspector.slug = settings.flow?.slug ?? '';
}
