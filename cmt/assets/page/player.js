// The clock that everything follows. Short pieces are decoded: their takes and stems all run at once and differ in
// nothing but how loud they are, so that a switch is exact to the sample. Long ones are played as they are.
const DECODED_SECONDS = 300;
const PRIMING = 1024 / 44100;
// A film that is told to play shows its next picture so many seconds later, about.
const STARTING = 0.03;

class DecodedSound {
  constructor() { this.buffers = new Map(); this.playing = new Map(); this.context = null; this.gain = 1; this.started = 0; }

  load(name) {
    if (!this.buffers.has(name)) {
      const bytes = bytesOf(name);
      const decoder = new OfflineAudioContext(2, 1, 44100);
      const entry = { buffer: null, offset: 0 };
      this.buffers.set(name, entry);
      entry.ready = decoder.decodeAudioData(bytes.buffer).then((buffer) => {
        entry.buffer = buffer;
        // A decoder that does not know of it leaves the encoder's start in.
        entry.offset = buffer.duration - C.duration > 0.98 * PRIMING ? PRIMING : 0;
      });
    }
    return this.buffers.get(name).ready;
  }

  async start(seconds, names) {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: 'interactive' });
      this.master = this.context.createGain();
      this.master.gain.value = this.gain;
      this.master.connect(this.context.destination);
    }
    await Promise.all([this.context.resume(), ...[...names.keys()].map((name) => this.load(name))]);
    this.zero = this.context.currentTime + 0.06 - seconds;
    this.isOn = true;
    for (const [name, gain] of names) this.voice(name, gain);
  }

  voice(name, gain) {
    const entry = this.buffers.get(name);
    const source = this.context.createBufferSource(), level = this.context.createGain();
    const when = Math.max(this.context.currentTime + 0.03, this.zero);
    source.buffer = entry.buffer;
    level.gain.value = gain;
    source.connect(level).connect(this.master);
    source.start(when, Math.max(0, when - this.zero) + entry.offset);
    this.playing.set(name, { source, level });
  }

  async mix(names) {
    await Promise.all([...names.keys()].map((name) => this.load(name)));
    if (!this.isOn) return;
    for (const [name, gain] of names) if (!this.playing.has(name)) this.voice(name, 0);
    const now = this.context.currentTime;
    for (const [name, { level }] of this.playing) level.gain.setTargetAtTime(names.get(name) || 0, now + 0.03, 0.008);
  }

  stop() {
    this.isOn = false;
    for (const { source } of this.playing.values()) source.stop();
    this.playing.clear();
  }

  now() {
    const late = this.context.outputLatency || this.context.baseLatency || 0;
    return this.context.currentTime - late - this.zero;
  }

  volume(gain) { this.gain = gain; if (this.master) this.master.gain.value = gain; }
}

class PlayedSound {
  constructor(addressOf) { this.addressOf = addressOf; this.elements = new Map(); this.gain = 1; this.current = null; }

  element(name) {
    if (!this.elements.has(name)) {
      const audio = name === 'film' ? $('film') : new Audio(this.addressOf(name));
      audio.preload = 'auto';
      this.elements.set(name, audio);
    }
    return this.elements.get(name);
  }

  async start(seconds, names) {
    const audio = this.element([...names.keys()][0]);
    audio.muted = false;
    audio.volume = this.gain;
    if (this.current && this.current !== audio) this.current.pause();
    this.current = audio;
    if (Math.abs(audio.currentTime - seconds) > 0.005) audio.currentTime = seconds;
    await audio.play();
  }

  async mix(names) { if (this.current && !this.current.paused) await this.start(this.current.currentTime, names); }
  stop() { if (this.current) this.current.pause(); }
  now() { return this.current.currentTime; }
  volume(gain) { this.gain = gain; if (this.current) this.current.volume = gain; }
}

class NoSound {
  async start(seconds) { this.zero = performance.now() / 1000 - seconds; }
  async mix() {}
  stop() {}
  now() { return performance.now() / 1000 - this.zero; }
  volume() {}
}

class Player {
  constructor(changed, moved) {
    this.at = 0;
    this.playing = false;
    this.changed = changed;
    this.moved = moved;
    this.filmIsClock = C.sound !== null && C.film !== null && C.film.kind === 'beside';
    const heard = C.heard.some(Boolean);
    if (this.filmIsClock) this.sound = new PlayedSound(() => C.film.address);
    else if (C.sound !== null) this.sound = new PlayedSound(() => C.sound);
    else if (!heard) this.sound = new NoSound();
    else if (C.duration <= DECODED_SECONDS) this.sound = new DecodedSound();
    else this.sound = new PlayedSound((name) => blobAddress(name, 'audio/mp4'));
    this.hasStems = this.sound instanceof DecodedSound && C.stems.length > 0;
    this.isSilent = this.sound instanceof NoSound;
  }

  // What sounds, and how loud: a take, or the stems of the first one where somebody is silent.
  names() {
    if (this.filmIsClock) return new Map([['film', 1]]);
    if (C.sound !== null) return new Map([['sound', 1]]);
    const isWhole = !C.instruments.some((one, number) => isOut(number));
    if (state.take === 0 && this.hasStems && !isWhole) {
      return new Map(C.stems.map((name) => [`stem-${name}`, isOut(C.instruments.findIndex((one) => one.name === name)) ? 0 : 1]));
    }
    const number = C.heard[state.take] ? state.take : 0;
    return new Map([[`sound-${number}`, 1]]);
  }

  time() {
    if (!this.playing) return this.at;
    return clamp(this.sound.now(), 0, C.duration);
  }

  // The seconds until the sound that was started is heard: the film waits for it.
  lead() { return this.playing ? this.from - this.sound.now() : 0; }

  async play() {
    if (this.playing || this.starting) return;
    this.starting = true;
    this.stopAsked = false;
    if (this.at >= C.duration - 0.02) this.at = 0;
    const begun = this.at;
    try {
      await this.sound.start(this.at, this.names());
      this.from = begun;
      this.playing = true;
    } catch (error) {
      this.problem = `The browser could not play the sound (${error.message}).`;
      this.sound = new NoSound();
      await this.sound.start(this.at);
      this.from = begun;
      this.playing = true;
    }
    this.starting = false;
    // Where it was to go, or to stop, while the sound was made ready.
    if (this.stopAsked || this.at !== begun) {
      this.playing = false;
      this.sound.stop();
      if (!this.stopAsked) return this.play();
    }
    this.changed();
    return undefined;
  }

  pause() {
    this.stopAsked = true;
    if (!this.playing) return;
    this.at = this.time();
    this.playing = false;
    this.sound.stop();
    this.changed();
  }

  async seek(seconds) {
    const wasPlaying = this.playing;
    if (wasPlaying) { this.playing = false; this.sound.stop(); }
    this.at = clamp(seconds, 0, C.duration);
    this.moved(this.at); // the film goes there while the sound is made ready
    if (wasPlaying && this.at < C.duration - 0.02) await this.play();
    this.changed();
  }

  mix() { return this.playing ? this.sound.mix(this.names()) : undefined; }
}

// The film follows the clock: it is set where it is far off, and runs a little faster or slower where it is near.
class Film {
  constructor(player) {
    this.player = player;
    this.video = $('film');
    this.isThere = false;
    if (!this.video || !C.film) { if (this.video) this.missing(C.film === null ? 'noFilm' : ''); return; }
    this.video.addEventListener('error', () => this.missing('error'));
    this.video.addEventListener('loadeddata', () => {
      this.isThere = true;
      $('frame').classList.add('has-film');
    });
    this.video.src = C.film.kind === 'embedded' ? blobAddress('picture', 'video/mp4') : C.film.address;
  }

  missing(why) {
    this.isThere = false;
    $('frame').classList.add('no-film');
    $('frame').classList.remove('has-film');
    const note = $('film-note');
    note.hidden = false;
    if (why === 'error' && C.film.kind === 'beside') {
      note.textContent = `The film ${C.film.name} is not beside this page, or the browser cannot play it. Small pictures stand for it; put the file into this page's folder.`;
      if (this.player.filmIsClock) { this.player.pause(); this.player.filmIsClock = false; this.player.sound = new PlayedSound(() => C.sound); }
    } else if (why === 'error') {
      note.textContent = 'The browser cannot play the film in this page. Small pictures stand for it.';
    } else note.textContent = 'The film is not in this page. Small pictures stand for it.';
  }

  follow(seconds) {
    if (!this.isThere) return;
    if (this.player.filmIsClock) { if (!this.player.playing && Math.abs(this.video.currentTime - seconds) > 0.02) this.video.currentTime = seconds; return; }
    const video = this.video, goal = clamp(seconds, 0, Math.max(0, (video.duration || C.duration) - 0.001));
    const off = video.currentTime - goal;
    if (!this.player.playing || seconds >= (video.duration || Infinity) - 0.05) {
      if (!video.paused) video.pause();
      if (Math.abs(off) > 0.01 && !video.seeking) video.currentTime = goal;
      return;
    }
    if (video.paused) {
      if (this.player.lead() > STARTING) return;
      video.play().catch(() => {});
    }
    if (video.seeking) return;
    if (Math.abs(off) > 0.2) { video.currentTime = goal + 0.02; video.playbackRate = 1; }
    else video.playbackRate = Math.abs(off) > 0.008 ? clamp(1 - 3 * off, 0.75, 1.25) : 1;
  }
}
