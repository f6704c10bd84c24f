/** What setup decides before it does anything. Pure. */

const network = ['iproute2', 'iputils-ping', 'nftables', 'procps', 'util-linux']

/** What can be asked for with `--with`, and why it is needed. */
export const parts = {
  strongswan: {
    title: 'daemons',
    why: 'strongSwan, BIRD and the network tools that Suidao starts',
    packages: [
      'strongswan-charon',
      'strongswan-libcharon',
      // The vici plugin is in here.
      'strongswan-swanctl',
      'libcharon-extra-plugins',
      'libstrongswan-extra-plugins',
      'libstrongswan-standard-plugins',
      // BGP and health checks.
      'bird2',
      'fping',
      ...network,
    ],
  },
  postgres: {
    title: 'PostgreSQL',
    why: 'the tests run every store on it too, in a private folder and without a service',
    packages: ['postgresql'],
  },
  browser: {
    title: 'Chromium',
    why: 'the tests of the web console use a real browser, with letters for both languages',
    packages: ['chromium', 'fonts-liberation', 'fonts-noto-cjk'],
  },
  lab: {
    title: 'lab tools',
    why: 'the tests with real tunnels count and filter packets',
    packages: [...network, 'tcpdump'],
  },
}

/** Services that packages of ours enable at boot, and that nobody here has asked for. */
export const services = [
  { package: 'strongswan-starter', unit: 'strongswan-starter.service', script: 'ipsec', title: 'strongSwan' },
  { package: 'bird2', unit: 'bird.service', script: 'bird', title: 'BIRD' },
]

/** @throws Error that names the parts there are. */
export function partsNamed(list) {
  const names = list.split(',').filter((name) => name !== '')
  const unknown = names.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined) {
    throw new Error(`there is no part "${unknown}"; parts are ${Object.keys(parts).join(', ')}`)
  }
  return names.map((name) => parts[name])
}

/**
 * Why `npm ci` is needed, or `undefined`. npm keeps beside the packages what it installed; that is compared with
 * the lock file by content, since a checkout changes the times of files and not what is in them.
 *
 * @param lock `packages` of package-lock.json
 * @param installed `packages` of node_modules/.package-lock.json; `undefined` when there is none
 */
export function npmReason(lock, installed) {
  if (installed === undefined) return 'node_modules is not there'
  for (const [path, wanted] of Object.entries(lock)) {
    if (path === '') continue
    const present = installed[path]
    // What is optional may be for another platform.
    if (present === undefined ? !wanted.optional : present.version !== wanted.version) {
      return `${path.replace(/^node_modules\//, '')} ${wanted.version} is not there`
    }
  }
  const extra = Object.keys(installed).find((path) => !Object.hasOwn(lock, path))
  return extra === undefined ? undefined : `${extra} is not in package-lock.json`
}

/** Why the missing Debian packages may not be installed here and what to do, or `undefined` when they may. */
export function refusalToInstall({ missing, system, hasApt, isRoot }) {
  if (missing.length === 0) return undefined
  const names = missing.join(' ')
  if (system !== 'linux' || !hasApt) {
    return (
      `this is not a Debian system (${system}, no apt-get), so these cannot be installed here: ${names}.\n` +
      'Use Debian 12 or newer, or install what these Debian packages hold by other means.\nNothing was changed.'
    )
  }
  if (!isRoot) {
    return (
      `these Debian packages are missing and only root may install them: ${names}.\nRun as root:\n\n` +
      `    apt-get update && apt-get install --no-install-recommends ${names}\n\n` +
      'and start this again. Nothing was changed.'
    )
  }
  return undefined
}
