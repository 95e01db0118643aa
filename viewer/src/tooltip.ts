// The details beside the pointer or the focused frame.
import { boundsOf, el, foreign, pairs, placeOf } from "./dom.ts";
import { max, min } from "./numbers.ts";

export interface Details {
  name: string;
  place: string;
  facts: [string, string][];
}

export interface Tooltip {
  element: HTMLElement;
  /** Show details, or with none of them move what is shown. */
  put(details: Details | undefined, x: number, y: number, within: HTMLElement): void;
}

const MARGIN = 8;

export const makeTooltip = (): Tooltip => {
  // The live region says the same to those who do not see it.
  const element = el("div", { class: "tip", role: "tooltip", "aria-hidden": "true", hidden: true });
  return {
    element,
    put(details, x, y, within) {
      if (details) {
        const { name, place, facts } = details;
        element.replaceChildren(el("strong", {}, foreign(name)), placeOf(place) ?? "", pairs(facts));
        element.hidden = false;
      }
      const frame = boundsOf(within);
      const left = min(frame.left + x, innerWidth - element.offsetWidth - MARGIN);
      const below = frame.top + y;
      const top = below + element.offsetHeight + MARGIN > innerHeight ? below - element.offsetHeight - 28 : below;
      element.style.left = `${max(MARGIN, left)}px`;
      element.style.top = `${max(MARGIN, top)}px`;
    },
  };
};
