//! Why a host refuses a sandbox, and what to do about it.

use std::fs;

use nix::{errno::Errno, unistd::geteuid};

use super::refusal::{Refusal, Step, WITHOUT_USER_NAMESPACE};

/// A cause, and commands or settings that remove it.
type Diagnosis = (String, Vec<String>);

/// What was refused, in one line.
pub(crate) fn headline(refusal: &Refusal) -> String {
    let object = if refusal.object.is_empty() { String::new() } else { format!(" ({})", refusal.object) };
    let errno = refusal.errno;
    format!("cannot create a sandbox: {errno:?} ({}) while {}{object}", errno.desc(), refusal.step.words())
}

/// The headline, the cause as far as this host shows it, and the remedies.
pub(crate) fn explain(refusal: &Refusal) -> String {
    let (cause, help) = diagnose(refusal, &Host::look());
    let mut text = format!("{}\n  cause  {cause}", headline(refusal));
    for help in help {
        text.push_str("\n  help   ");
        text.push_str(&help);
    }
    text.push_str("\n  help   or NETNS_TEST=skip, to have such tests reported as skipped instead of failed");
    text
}

/// What can be read off a host about its refusals.
#[derive(Debug, Clone, Default)]
struct Host {
    /// Every `user.max_*_namespaces` that a sandbox needs, with its value.
    limits: Vec<(String, u64)>,
    apparmor_restricts: bool,
    userns_clone_off: bool,
    seccomp: bool,
    root: bool,
    capabilities: u64,
    chrooted: bool,
    /// The kernel has no such namespaces at all.
    missing: Vec<&'static str>,
}

impl Host {
    fn look() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let kinds = ["user", "net", "mnt", "pid", "ipc", "uts"];
        Self {
            limits: kinds
                .iter()
                .filter_map(|kind| {
                    let name = format!("user.max_{kind}_namespaces");
                    number(&format!("/proc/sys/{}", name.replace('.', "/"))).map(|value| (name, value))
                })
                .collect(),
            apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1),
            userns_clone_off: number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0),
            seccomp: field("Seccomp:") == Some("2"),
            root: geteuid().is_root(),
            capabilities: field("CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0),
            chrooted: fs::read_to_string("/proc/self/mountinfo")
                .is_ok_and(|mounts| !mounts.lines().any(|line| line.split(' ').nth(4) == Some("/"))),
            missing: kinds
                .into_iter()
                .filter(|kind| {
                    fs::exists("/proc/self/ns").unwrap_or(false)
                        && !fs::exists(format!("/proc/self/ns/{kind}")).unwrap_or(true)
                })
                .collect(),
        }
    }

    fn may(&self, capability: u32) -> bool {
        self.capabilities & (1 << capability) != 0
    }
}

const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;
const CAP_SETFCAP: u32 = 31;

fn diagnose(refusal: &Refusal, host: &Host) -> Diagnosis {
    let maps = matches!(refusal.step, Step::UidMap | Step::GidMap | Step::SetGroups);
    match (refusal.step, refusal.errno) {
        (Step::SubordinateIds, _) => subordinate_ids(refusal),
        (Step::Clone, Errno::EPERM) if refusal.object == WITHOUT_USER_NAMESPACE => (
            "the test wants `user_namespace = false`, which only real root can have".into(),
            vec!["run the test as root, or leave the option out".into()],
        ),
        (Step::Clone, Errno::ENOSPC) => limits(host),
        (Step::Clone, Errno::EINVAL | Errno::ENOSYS) => unsupported(host),
        (Step::Clone | Step::Fork, Errno::EAGAIN) => (
            "a limit of processes: RLIMIT_NPROC (`ulimit -u`), or pids.max of the control group".into(),
            vec!["raise the limit, or run fewer tests at once (--test-threads)".into()],
        ),
        (_, Errno::EPERM | Errno::EACCES) if host.apparmor_restricts && !host.root => (
            "kernel.apparmor_restrict_unprivileged_userns = 1 (Ubuntu 23.10 and later)".into(),
            vec!["sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".into()],
        ),
        (Step::Clone, Errno::EPERM) => clone_not_permitted(host),
        (_, Errno::EPERM) if maps && host.root => root_without_capabilities(host),
        (_, Errno::EPERM) if maps => (
            "the kernel, or a security module, does not let this user map itself".into(),
            vec!["look into the kernel's log (dmesg) for a denial by AppArmor or SELinux".into()],
        ),
        (Step::Run | Step::Etc | Step::Detach | Step::Sys | Step::Proc, Errno::EPERM | Errno::EACCES) => (
            "a security module refuses mounts, as the AppArmor profile of a container does".into(),
            vec![
                "docker run --security-opt apparmor=unconfined --security-opt seccomp=unconfined".into(),
                "podman run --security-opt label=disable --security-opt unmask=ALL".into(),
            ],
        ),
        _ => (
            format!("not known; {} is not an error that this step is known for", refusal.errno),
            vec!["look into the kernel's log (dmesg)".into()],
        ),
    }
}

fn subordinate_ids(refusal: &Refusal) -> Diagnosis {
    let object = refusal.object.as_str();
    let ranges = "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER".to_owned();
    match object {
        "newuidmap" | "newgidmap" if refusal.errno == Errno::ENOENT => (
            format!("the test wants `ids = \"subordinate\"`, and there is no program `{object}`"),
            vec!["install it: on Debian and Ubuntu `sudo apt install uidmap`, elsewhere it is part of shadow".into()],
        ),
        "/etc/subuid" | "/etc/subgid" => {
            (format!("the test wants `ids = \"subordinate\"`, and {object} has no range for this user"), vec![ranges])
        }
        words => (format!("the helper refused: {words}"), vec![ranges]),
    }
}

fn limits(host: &Host) -> Diagnosis {
    let zero: Vec<&str> = host.limits.iter().filter(|(_, value)| *value == 0).map(|(name, _)| name.as_str()).collect();
    if zero.is_empty() {
        return (
            "a limit of namespaces is reached: one of user.max_{user,net,mnt,pid,ipc,uts}_namespaces, here or in an \
             enclosing user namespace, or 32 user namespaces within each other"
                .into(),
            vec!["raise the limits (`sysctl user`), or run fewer tests at once (--test-threads)".into()],
        );
    }
    let cause = zero.iter().map(|name| format!("{name} = 0")).collect::<Vec<_>>().join(", ");
    (cause, zero.iter().map(|name| format!("sudo sysctl -w {name}=15000")).collect())
}

fn unsupported(host: &Host) -> Diagnosis {
    let which = if host.missing.is_empty() { String::new() } else { format!(" ({})", host.missing.join(", ")) };
    (
        format!("the kernel was built without some kind of namespace{which}"),
        vec!["use a kernel with CONFIG_USER_NS, CONFIG_NET_NS, CONFIG_PID_NS, CONFIG_IPC_NS and CONFIG_UTS_NS".into()],
    )
}

fn clone_not_permitted(host: &Host) -> Diagnosis {
    if host.userns_clone_off {
        return (
            "kernel.unprivileged_userns_clone = 0".into(),
            vec!["sudo sysctl -w kernel.unprivileged_userns_clone=1".into()],
        );
    }
    if host.chrooted {
        return (
            "this process is in a chroot, where the kernel makes no user namespaces".into(),
            vec!["enter the directory with a mount namespace and pivot_root instead (systemd-nspawn, bwrap)".into()],
        );
    }
    if host.seccomp {
        return (
            "a seccomp filter, as the default one of Docker".into(),
            vec![
                "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined".into(),
                "or run the tests outside of the container".into(),
            ],
        );
    }
    (
        "a security module (SELinux, AppArmor), a chroot, or a user without a mapping in this user namespace".into(),
        vec!["look into the kernel's log (dmesg) for a denial".into()],
    )
}

fn root_without_capabilities(host: &Host) -> Diagnosis {
    let names = [(CAP_SETFCAP, "CAP_SETFCAP"), (CAP_SETUID, "CAP_SETUID"), (CAP_SETGID, "CAP_SETGID")];
    let missing: Vec<&str> = names.iter().filter(|(bit, _)| !host.may(*bit)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return (
            "root may not map itself, though it has CAP_SETFCAP, CAP_SETUID and CAP_SETGID: a security module".into(),
            vec!["look into the kernel's log (dmesg) for a denial".into()],
        );
    }
    let list = missing.join(", ");
    let flags = missing.iter().map(|name| format!("--cap-add {}", &name[4..])).collect::<Vec<_>>().join(" ");
    (
        format!("uid 0 without {list}: root cannot map itself into a user namespace"),
        vec![format!("run as an ordinary user, or give root its capabilities back (docker run {flags})")],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(step: Step, errno: Errno, host: &Host) -> String {
        diagnose(&step.refused(errno, ""), host).0
    }

    #[test]
    fn every_known_refusal_has_its_own_cause() {
        let host = Host::default();
        let limited = Host { limits: vec![("user.max_net_namespaces".into(), 0)], ..host.clone() };
        let root = Host { root: true, capabilities: 1 << CAP_SETUID | 1 << CAP_SETGID, ..host.clone() };
        let ubuntu = Host { apparmor_restricts: true, ..host.clone() };
        let filtered = Host { seccomp: true, ..host.clone() };
        let chrooted = Host { chrooted: true, ..host.clone() };
        let debian = Host { userns_clone_off: true, ..host.clone() };

        assert_eq!(cause(Step::Clone, Errno::ENOSPC, &limited), "user.max_net_namespaces = 0");
        assert!(cause(Step::Clone, Errno::ENOSPC, &host).starts_with("a limit of namespaces is reached"));
        assert!(cause(Step::UidMap, Errno::EPERM, &root).starts_with("uid 0 without CAP_SETFCAP:"));
        assert!(cause(Step::UidMap, Errno::EPERM, &ubuntu).starts_with("kernel.apparmor_restrict_unprivileged_userns"));
        assert!(cause(Step::Loopback, Errno::EPERM, &ubuntu).starts_with("kernel.apparmor"));
        assert!(cause(Step::Clone, Errno::EPERM, &filtered).starts_with("a seccomp filter"));
        assert!(cause(Step::Clone, Errno::EPERM, &chrooted).starts_with("this process is in a chroot"));
        assert_eq!(cause(Step::Clone, Errno::EPERM, &debian), "kernel.unprivileged_userns_clone = 0");
        assert!(cause(Step::Clone, Errno::EAGAIN, &host).starts_with("a limit of processes"));
        assert!(cause(Step::Clone, Errno::EINVAL, &host).starts_with("the kernel was built without"));
        let helper = Step::SubordinateIds.refused(Errno::ENOENT, "newuidmap");
        assert!(diagnose(&helper, &host).0.ends_with("there is no program `newuidmap`"));
        let range = Step::SubordinateIds.refused(Errno::ENOENT, "/etc/subgid");
        assert!(diagnose(&range, &ubuntu).0.ends_with("/etc/subgid has no range for this user"));
        assert!(cause(Step::Run, Errno::EACCES, &host).starts_with("a security module refuses mounts"));
    }
}
