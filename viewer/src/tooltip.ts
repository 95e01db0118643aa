// The details beside the pointer or the focused frame.
import { el, foreign } from "./dom.ts";

export interface Details {
  title: string;
  place: string;
  facts: [string, string][];
}

const MARGIN = 8;

export class Tooltip {
  // The live region says the same to those who do not see it.
  readonly element = el("div", { class: "tip", role: "tooltip", "aria-hidden": "true", hidden: true });

  show(details: Details, x: number, y: number, within: HTMLElement, same = false): void {
    const tip = this.element;
    if (!same || tip.hidden) {
      tip.replaceChildren(
        el("strong", {}, foreign(details.title)),
        ...(details.place ? [el("span", { class: "place" }, foreign(details.place))] : []),
        el("dl", {}, ...details.facts.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, foreign(value))])),
      );
      tip.hidden = false;
    }
    const frame = within.getBoundingClientRect();
    const left = Math.min(frame.left + x, innerWidth - tip.offsetWidth - MARGIN);
    const below = frame.top + y;
    const top = below + tip.offsetHeight + MARGIN > innerHeight ? below - tip.offsetHeight - 28 : below;
    tip.style.left = `${Math.max(MARGIN, left)}px`;
    tip.style.top = `${Math.max(MARGIN, top)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
