// What is seen and heard: the film, or a result beside it; and what can be taken along.

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

const fileOf = (run, suffix) => run.summary.files.find((file) => file.name === `${run.summary.name}${suffix}`);
export const address = (run, name) => `/api/runs/${run.id}/files/${encodeURIComponent(name)}`;

export class Screen {
  constructor(root, note, { asked }) {
    this.root = root;
    this.note = note;
    this.shown = null;
    window.addEventListener("message", (event) => {
      const frame = this.root.querySelector("iframe");
      if (frame && event.source === frame.contentWindow && event.origin === location.origin) asked(event.data, this.run);
    });
  }

  /** What plays: the film, or the result's own page, whose film is silent and follows its music. */
  get player() {
    const frame = this.root.querySelector("iframe");
    if (frame) return frame.contentWindow?.cmtPlayer ?? null;
    const media = this.root.querySelector("video, audio");
    return media && {
      playing: !media.paused,
      time: () => media.currentTime,
      seek: (time) => (media.currentTime = time),
      play: () => media.play().catch(() => {}),
      pause: () => media.pause(),
    };
  }

  get time() {
    return (this.player?.time() ?? 0) + this.offset;
  }

  get offset() {
    return this.run?.summary.start ?? 0;
  }

  seek(time) {
    this.player?.seek(Math.max(0, time - this.offset));
  }

  toggle() {
    const player = this.player;
    if (player) player.playing ? player.pause() : player.play();
  }

  /** Show a film, or a result: at the same second as what was shown before, and playing if that was. */
  show(film, run) {
    const key = `${film?.id} ${run?.id}`;
    if (key === this.shown) return;
    const time = this.film === film?.id ? this.time : 0;
    const isPlaying = this.player?.playing ?? false;
    this.player?.pause();
    this.shown = key;
    this.film = film?.id;
    this.run = run ?? null;
    this.note.textContent = "";
    this.root.replaceChildren();
    if (!film) return;
    if (run && fileOf(run, ".html")) this.showPage(run, time, isPlaying);
    else if (run) this.showFiles(run, time, isPlaying);
    else this.showFilm(film, time);
  }

  showFilm(film, time) {
    const player = make(film.picture ? "img" : "video");
    player.src = `/api/films/${film.id}/file`;
    if (film.picture) player.alt = `The picture ${film.name}`;
    else {
      player.controls = true;
      player.preload = "metadata";
      player.setAttribute("aria-label", `The film ${film.name}`);
      player.addEventListener("loadedmetadata", () => (player.currentTime = time), { once: true });
    }
    player.addEventListener("error", () => {
      player.remove();
      this.note.textContent = "This browser cannot show this kind of film. The music can be made all the same, and its film can be shown.";
    });
    this.root.append(player);
  }

  showPage(run, time, isPlaying) {
    const frame = make("iframe");
    frame.title = `Result ${run.number}: film and music`;
    frame.allow = "autoplay"; // the keys of the page around it play it, too
    frame.src = address(run, fileOf(run, ".html").name);
    frame.addEventListener("load", () => {
      this.seek(time);
      if (isPlaying) this.player?.play();
    });
    this.root.append(frame);
  }

  showFiles(run, time, isPlaying) {
    const film = fileOf(run, ".mp4");
    const sound = fileOf(run, ".wav");
    const player = make(film ? "video" : "audio");
    player.controls = true;
    player.src = address(run, (film ?? sound).name);
    player.setAttribute("aria-label", `Result ${run.number}: the film with its music`);
    player.addEventListener("loadedmetadata", () => {
      this.seek(time);
      if (isPlaying) player.play().catch(() => {});
    }, { once: true });
    this.root.append(player);
    const picture = fileOf(run, ".png");
    if (picture) {
      const image = make("img", "drawn");
      image.src = address(run, picture.name);
      image.alt = "The rhythm of the picture and the music on one time axis";
      this.root.append(image);
    }
  }
}

const KINDS = [
  [/\.html$/, "The result as a page, for any browser"],
  [/\.mp4$/, "Film with its music"],
  [/\.take(\d+)\.mid$/, null],
  [/\.take(\d+)\.json$/, null],
  [/\.mid$/, "Notes (MIDI)"],
  [/\.(drums|piano|guitar|bass|strings)\.wav$/, null],
  [/\.sounds\.wav$/, "Only the sounds of what is seen (WAV)"],
  [/\.wav$/, "Music (WAV)"],
  [/\.csv$/, "Markers as a table (CSV)"],
  [/\.edl$/, "Markers for DaVinci Resolve (EDL)"],
  [/\.fcpxml$/, "Timeline for Final Cut (FCPXML)"],
  [/\.otio$/, "Timeline for other editors (OTIO)"],
  [/\.png$/, "Rhythm and music as a picture"],
  [/\.json$/, "Report: all that it is made of (JSON)"],
];

export function labelOf(name) {
  const [pattern, label] = KINDS.find(([one]) => one.test(name)) ?? [null, name];
  if (label) return label;
  const [, which] = name.match(pattern);
  if (!Number(which)) return `Only the ${which} (WAV)`;
  const take = `take ${"ABCDEFGHIJ"[which - 1]}`;
  return name.endsWith(".mid") ? `Notes of ${take} (MIDI)` : `Report of ${take} (JSON)`;
}

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

export function listFiles(root, run) {
  const list = make("div", "files");
  const add = (href, label, note, name) => {
    const link = make("a", name, label);
    link.href = href;
    link.download = "";
    link.append(make("span", "", note));
    list.append(link);
  };
  const total = run.summary.files.reduce((sum, file) => sum + file.bytes, 0);
  add(`/api/runs/${run.id}/zip`, "Everything (ZIP)", size(total), "all");
  const place = (file) => KINDS.findIndex(([pattern]) => pattern.test(file.name));
  // Film and sound first, then the page and the notes, then what editors read, the reports last.
  const order = [1, 7, 4, 5, 6, 2, 0, 8, 9, 10, 11, 12, 13, 3];
  const rank = (file) => (order.indexOf(place(file)) + 20) % 20;
  for (const file of [...run.summary.files].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name)))
    add(`${address(run, file.name)}?download=1`, labelOf(file.name), size(file.bytes), "");
  root.replaceChildren(list);
}
