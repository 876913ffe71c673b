// The box's time, once a second: ages on the screen count by the box's clock, not the browser's.

import type { Stamp } from './api/types';

let ahead = 0;
let now = $state(Date.now());
setInterval(() => (now = Date.now() + ahead), 1000);

export const clock = {
  get now(): Stamp {
    return now;
  },
  /** The box has just said what time it is. */
  set(at: Stamp): void {
    ahead = at - Date.now();
    now = at;
  },
};
