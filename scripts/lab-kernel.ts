/**
 * Runs the engine's kernel modes (X: xfrm interfaces, V: vti) against a kernel that can carry ESP, whatever the
 * kernel of this machine can: an emulated PC with Debian's kernel, whose root is this machine's file system, read-only
 * under a layer in memory. Nothing is installed into the emulated machine and nothing it does is left here.
 *
 *     node scripts/lab-kernel.ts [X] [V]
 *
 * KVM is not used: it is not there, or not to be relied on, where such tests run. So a handshake takes seconds, and
 * the whole some minutes. What is needed is installed from Debian packages; the kernel's package is only unpacked,
 * under `var/lab-kernel`. What runs inside is `test/lab/kernel-guest.ts`.
 *
 * Exit codes: 0 all passed; 1 something failed; 2 wrong usage; 3 it cannot be run here.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const root = dirname(import.meta.dirname)
const cache = join(root, 'var', 'lab-kernel')
const limitMs = 40 * 60_000
const memoryMb = 2_048

/** Programs, and the Debian packages that have them. */
const tools = [
  { program: '/usr/bin/qemu-system-x86_64', package: 'qemu-system-x86' },
  // The static one: it runs before there is any library.
  { program: '/bin/busybox', package: 'busybox-static' },
  { program: '/sbin/depmod', package: 'kmod' },
  { program: '/bin/cpio', package: 'cpio' },
  { program: '/usr/lib/ipsec/charon', package: 'strongswan-charon' },
  { program: '/usr/sbin/nft', package: 'nftables' },
  { program: '/usr/sbin/bird', package: 'bird2' },
  { program: '/usr/bin/fping', package: 'fping' },
  { program: '/usr/bin/openssl', package: 'openssl' },
]

/** Modules that have to be there before the root is; their dependencies come along. */
const rootModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio-rng']
/** Modules of the test; ciphers and the like come by themselves when they are asked for. */
const testModules = [
  'xfrm_user',
  'xfrm_interface',
  'ip_vti',
  'esp4',
  'xfrm4_tunnel',
  'tun',
  'veth',
  'bridge',
  'nf_tables',
  'nft_fwd_netdev',
]

/** What the emulated machine prints last. */
const verdict = /^LAB-KERNEL EXIT (\d+)/

const exec = promisify(execFile)

class Unable extends Error {}

const say = (text: string) => console.log(`lab-kernel: ${text}`)

async function main(modes: readonly string[]): Promise<number> {
  if (process.arch !== 'x64')
    throw new Unable(`the emulated machine is an amd64 one, and this is ${process.arch}`)
  await ensureTools()
  const { version, tree } = await ensureKernel()
  const work = await mkdtemp(join(tmpdir(), 'lab-kernel-'))
  try {
    const initrd = await buildInitrd(work, version, tree, modes)
    say(`starting Linux ${version} for modes ${modes.join(', ')}`)
    return await emulate(join(tree, 'boot', `vmlinuz-${version}`), initrd)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function ensureTools(): Promise<void> {
  const there = await Promise.all(tools.map((tool) => exists(tool.program)))
  const missing = tools.filter((_, index) => !there[index]).map((tool) => tool.package)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || !(await exists('/usr/bin/apt-get'))) {
    throw new Unable(`these Debian packages are needed: ${missing.join(' ')}`)
  }
  say(`installing ${missing.join(' ')}`)
  await exec('apt-get', ['update', '-qq'])
  await exec('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** Debian's current kernel, unpacked. */
async function ensureKernel(): Promise<{ version: string; tree: string }> {
  const { stdout } = await exec('apt-cache', ['depends', 'linux-image-amd64'])
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1]
  if (name === undefined) throw new Unable('apt-cache knows no kernel: apt-get update')
  const version = name.replace('linux-image-', '')
  const tree = join(cache, name)
  if (await exists(tree)) return { version, tree }
  say(`fetching ${name}`)
  await mkdir(cache, { recursive: true })
  const unpacked = await mkdtemp(join(cache, 'new-'))
  try {
    await exec('apt-get', ['download', name], { cwd: unpacked })
    const packages = (await readdir(unpacked)).filter((file) => file.endsWith('.deb'))
    for (const file of packages) {
      await exec('dpkg-deb', ['--extract', join(unpacked, file), join(unpacked, 'tree')])
    }
    await exec('/sbin/depmod', ['-b', join(unpacked, 'tree'), version])
    await rename(join(unpacked, 'tree'), tree)
  } finally {
    await rm(unpacked, { recursive: true, force: true })
  }
  return { version, tree }
}

/** A file system in memory with just enough to reach this machine's, and the script that does it. */
async function buildInitrd(
  work: string,
  version: string,
  tree: string,
  modes: readonly string[],
): Promise<string> {
  const files = join(work, 'initrd')
  for (const dir of ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'layer', 'root']) {
    await mkdir(join(files, dir), { recursive: true })
  }
  await copyFile('/bin/busybox', join(files, 'bin', 'busybox'))
  const order: string[] = []
  for (const module of rootModules) {
    const { stdout } = await exec('/sbin/modprobe', ['-S', version, '-d', tree, '--show-depends', module])
    for (const [, file] of stdout.matchAll(/^insmod (\S+)/gm)) {
      if (file === undefined || order.includes(basename(file))) continue
      order.push(basename(file))
      await copyFile(file, join(files, 'modules', basename(file)))
    }
  }
  await writeFile(join(files, 'init'), initScript(order, version, tree, modes))
  await chmod(join(files, 'init'), 0o755)
  const initrd = join(work, 'initrd.gz')
  await exec('sh', ['-c', 'find . | cpio --quiet -o -H newc | gzip -1 > "$1"', 'sh', initrd], { cwd: files })
  return initrd
}

/** Runs as the first process of the emulated machine. */
function initScript(
  order: readonly string[],
  version: string,
  tree: string,
  modes: readonly string[],
): string {
  return `#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
for file in ${order.join(' ')}; do $bb insmod /modules/$file || $bb echo "cannot load $file"; done
$bb mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 root /host
$bb mount -t tmpfs layer /layer
$bb mkdir /layer/upper /layer/work
$bb mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
for dir in proc sys dev; do $bb mount --move /$dir /root/$dir; done
$bb mount -t tmpfs run /root/run
$bb mount -t tmpfs tmp /root/tmp
$bb mkdir -p /root/run/netns /root/lib/modules/${version} /root/dev/pts
$bb mount -t devpts pts /root/dev/pts
$bb mount --bind /root${tree}/lib/modules/${version} /root/lib/modules/${version}
$bb cat > /root/run/guest.sh <<'END'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ip link set lo up
modprobe -a ${testModules.join(' ')}
cd ${root}
${process.execPath} --disable-warning=ExperimentalWarning test/lab/kernel-guest.ts ${modes.join(' ')}
echo "LAB-KERNEL EXIT $?"
sync
echo o > /proc/sysrq-trigger
# Its file system is gone from here on; only the shell itself still runs.
while :; do :; done
END
exec $bb switch_root /root /bin/sh /run/guest.sh
`
}

/** Runs the machine and shows what it prints. */
async function emulate(kernel: string, initrd: string): Promise<number> {
  const machine = spawn(
    '/usr/bin/qemu-system-x86_64',
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', `${memoryMb}`],
      ...['-nographic', '-no-reboot', '-nic', 'none', '-device', 'virtio-rng-pci'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', 'console=ttyS0 quiet mitigations=off panic=-1'],
      ...['-virtfs', 'local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const timer = setTimeout(() => {
    say(`not at its end after ${limitMs / 60_000} minutes`)
    machine.kill('SIGKILL')
  }, limitMs)
  const stop = () => machine.kill('SIGKILL')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  const ended = once(machine, 'exit')
  let code: number | undefined
  for await (const line of createInterface({ input: machine.stdout })) {
    // The firmware clears the screen with control sequences.
    const text = line.replace(/\x1b(?:\[[0-9;?]*[A-Za-z]|c)/g, '').trimEnd()
    const found = verdict.exec(text)
    if (found) code = Number(found[1])
    else console.log(text)
  }
  await ended
  clearTimeout(timer)
  if (code === undefined) {
    say('the machine ended without a verdict')
    return 1
  }
  say(code === 0 ? 'passed' : 'failed')
  return code === 0 ? 0 : 1
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const asked = process.argv.slice(2)
if (asked.some((mode) => mode !== 'X' && mode !== 'V')) {
  console.error('usage: node scripts/lab-kernel.ts [X] [V]')
  process.exitCode = 2
} else {
  try {
    process.exitCode = await main(asked.length > 0 ? asked : ['X', 'V'])
  } catch (error) {
    if (!(error instanceof Unable)) throw error
    console.error(`lab-kernel: cannot run here: ${error.message}`)
    process.exitCode = 3
  }
}
