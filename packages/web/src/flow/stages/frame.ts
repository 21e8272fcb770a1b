// `xak-flow-frame` (flow-executor.md §12): another page within this one, such as a logout of a second system.
import type { FrameChallenge } from '@gatehouse/contract/flow';
import { html, nothing } from 'lit';
import { spinner } from '../../elements/button.ts';
import { StageElement } from '../stage-element.ts';

export class FrameStage extends StageElement<FrameChallenge> {
  static override properties = { ...StageElement.properties, loaded: { state: true } };
  declare loaded: boolean | undefined;

  override render() {
    const { url, loading_overlay: overlay = false, loading_text: text } = this.challenge;
    const target = /^https?:/.test(new URL(url, location.href).protocol) ? url : 'about:blank';
    const done = () => {
      this.loaded = true;
    };
    return html`<div class="gh-frame" data-first tabindex="-1">
      ${
        overlay && this.loaded !== true
          ? html`<div class="gh-waiting" role="status">${spinner('Loading', 'xl')} ${text ?? 'One moment.'}</div>`
          : nothing
      }
      <iframe src=${target} title=${text ?? 'Step of another system'} @load=${done}></iframe>
    </div>`;
  }
}
